-- Devices; names are unique.
CREATE TABLE IF NOT EXISTS devices (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL UNIQUE,
    kind       text NOT NULL CHECK (kind IN ('sensor', 'gateway', 'display')),
    location   text NOT NULL,
    settings   jsonb NOT NULL,
    owner      text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
