-- Who joins the stack from elsewhere: a role for each kind, with what its work needs. Run this after schema.sql.
-- The roles createflow_service and createflow_worker must exist.

GRANT SELECT, INSERT, UPDATE ON resources TO createflow_service;
GRANT INSERT ON audit_log TO createflow_service;
GRANT SELECT, INSERT ON outbox, idempotency_keys TO createflow_service;
GRANT EXECUTE ON FUNCTION resource_document(resources) TO createflow_service;

GRANT SELECT, DELETE ON outbox, idempotency_keys TO createflow_worker;
GRANT SELECT, INSERT, UPDATE ON outbox_checkpoint TO createflow_worker;

ALTER ROLE createflow_service SET statement_timeout = '1500ms';
ALTER ROLE createflow_service SET lock_timeout = '1000ms';
ALTER ROLE createflow_service SET idle_in_transaction_session_timeout = '5s';
ALTER ROLE createflow_worker SET statement_timeout = '1500ms';
ALTER ROLE createflow_worker SET lock_timeout = '1000ms';
ALTER ROLE createflow_worker SET idle_in_transaction_session_timeout = '5s';
