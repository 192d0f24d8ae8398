-- KEYS[1] resource; ARGV[1] version; ARGV[2] body, empty for a tombstone; ARGV[3] time to live in milliseconds.
-- Returns 1 when it was kept.
local have = redis.call('HGET', KEYS[1], 'version')
if have and tonumber(have) >= tonumber(ARGV[1]) then
    return 0
end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'body', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
