-- GCRA: one key holds the theoretical arrival time of the next request, in microseconds of the server's clock.
-- KEYS[1] bucket; ARGV[1] microseconds between requests; ARGV[2] burst; ARGV[3] microseconds
-- for which requests were allowed elsewhere that are not counted here yet.
-- Returns allowed, remaining, microseconds until one is allowed, microseconds until the bucket is full again.
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local interval = tonumber(ARGV[1])
local tolerance = interval * tonumber(ARGV[2])
local arrival = tonumber(redis.call('GET', KEYS[1]) or now)
if arrival < now then
    arrival = now
end
local elsewhere = tonumber(ARGV[3])
arrival = arrival + elsewhere
local next_arrival = arrival + interval
local early = next_arrival - tolerance - now
if early > 0 then
    if elsewhere > 0 then
        redis.call('SET', KEYS[1], string.format('%.0f', arrival), 'PX', math.ceil((arrival - now) / 1000) + 1)
    end
    return {0, 0, math.ceil(early), math.ceil(arrival - now)}
end
redis.call('SET', KEYS[1], string.format('%.0f', next_arrival), 'PX', math.ceil((next_arrival - now) / 1000) + 1)
return {1, math.floor(-early / interval), 0, math.ceil(next_arrival - now)}
