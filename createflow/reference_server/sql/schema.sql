-- The tables of the reference. Run this as a superuser, in an empty database, as one script.
-- The roles createflow_app and createflow_probe must exist.

CREATE TABLE resources (
    id          uuid PRIMARY KEY DEFAULT uuidv7(),
    version     bigint NOT NULL DEFAULT 1,
    name        text NOT NULL,
    description text NOT NULL,
    metadata    json NOT NULL,  -- json, not jsonb: the text is kept as it was sent
    created_at  timestamptz NOT NULL DEFAULT now(),
    created_by  text NOT NULL,
    updated_at  timestamptz NOT NULL DEFAULT now(),
    deleted_at  timestamptz
);
CREATE INDEX resources_name ON resources USING hash (name);

-- The representation. It is made here only, so that reply, event, cache and index have the same bytes.
CREATE FUNCTION resource_document(resources) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT '{"id":"' || $1.id || '","name":' || to_json($1.name) || ',"description":' || to_json($1.description)
        || ',"metadata":' || $1.metadata::text
        || ',"created_at":"' || to_char($1.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
        || '","created_by":' || to_json($1.created_by) || '}'
$$;

CREATE TABLE audit_log (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    occurred_at timestamptz NOT NULL DEFAULT now(),
    actor       text NOT NULL,
    action      text NOT NULL CHECK (action IN ('create', 'update', 'delete')),
    resource_id uuid NOT NULL,
    outcome     text NOT NULL CHECK (outcome = 'success'),
    request_id  text NOT NULL
);
CREATE INDEX audit_log_resource ON audit_log (resource_id);

-- Insert-only. The relay reads rows in (xid, seq) order, and only those that are older than every running
-- transaction, so that it never skips a row that commits late. ``stream`` is the first token of the event's subject.
CREATE TABLE outbox (
    stream      text NOT NULL,
    xid         xid8 NOT NULL DEFAULT pg_current_xact_id(),
    seq         bigint GENERATED ALWAYS AS IDENTITY,
    event_id    uuid NOT NULL DEFAULT uuidv7(),
    type        text NOT NULL CHECK (type IN ('created', 'updated', 'deleted')),
    resource_id uuid NOT NULL,
    version     bigint NOT NULL,
    actor       text NOT NULL,
    request_id  text NOT NULL,
    occurred_at timestamptz NOT NULL DEFAULT now(),
    data        text NOT NULL,
    PRIMARY KEY (stream, xid, seq)
);

CREATE TABLE outbox_checkpoint (
    stream text PRIMARY KEY,
    xid    xid8 NOT NULL,
    seq    bigint NOT NULL
);

CREATE TABLE idempotency_keys (
    subject     text NOT NULL,
    key         text NOT NULL,
    fingerprint bytea NOT NULL,
    resource_id uuid NOT NULL,
    version     bigint NOT NULL,
    document    text NOT NULL,  -- as in the first reply, even if the resource has changed since
    created_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (subject, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

-- The worker deletes old rows of both as fast as new ones come. What they leave must be vacuumed by its own number: the
-- default, a fifth of the table, would be hours of it.
ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
ALTER TABLE idempotency_keys SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);

-- What the service and the worker do, and no more. The audit log is append-only for them: a process that is taken over
-- can add entries, and can neither change nor remove one. Rows of resources are marked as deleted, never removed.
GRANT SELECT, INSERT, UPDATE ON resources TO createflow_app;
GRANT SELECT, INSERT ON audit_log TO createflow_app;
GRANT SELECT, INSERT, DELETE ON outbox, idempotency_keys TO createflow_app;
GRANT SELECT, INSERT, UPDATE ON outbox_checkpoint TO createflow_app;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO createflow_probe;
GRANT EXECUTE ON FUNCTION resource_document(resources) TO createflow_app, createflow_probe;

-- On the role, not on the connection: a pooler does not pass connection options on.
ALTER ROLE createflow_app SET statement_timeout = '1500ms';
ALTER ROLE createflow_app SET lock_timeout = '1000ms';
ALTER ROLE createflow_app SET idle_in_transaction_session_timeout = '5s';
