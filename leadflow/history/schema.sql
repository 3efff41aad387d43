-- The tables of the current version. A change here needs a step in migrations.py, see the rules there.
-- Times are UTC. Events and logs have no key: (job_id, seq) is unique because the bus numbers them.
CREATE TABLE etl_jobs (
  id VARCHAR PRIMARY KEY, name VARCHAR, script_id VARCHAR, script_name VARCHAR, script VARCHAR,
  status VARCHAR NOT NULL, progress INTEGER, message VARCHAR, limit_rows BIGINT, counts JSON,
  total_rows_processed BIGINT, litigator_count BIGINT, dnc_count BIGINT, clean_count BIGINT,
  glba VARCHAR, dppa VARCHAR, policy_version VARCHAR, started_by VARCHAR, owner VARCHAR, heartbeat_at TIMESTAMP,
  created_at TIMESTAMP NOT NULL, started_at TIMESTAMP, completed_at TIMESTAMP,
  spreadsheet_id VARCHAR, worksheet VARCHAR, person_cache VARCHAR, consolidated VARCHAR,
  job_type VARCHAR DEFAULT 'single_script', stop_requested_at TIMESTAMP, stop_requested_by VARCHAR
);
CREATE TABLE job_logs (
  job_id VARCHAR NOT NULL, seq BIGINT NOT NULL, level VARCHAR, message VARCHAR, created_at TIMESTAMP NOT NULL
);
CREATE TABLE job_events (
  job_id VARCHAR NOT NULL, seq BIGINT NOT NULL, "at" TIMESTAMP NOT NULL, elapsed DOUBLE NOT NULL, stage VARCHAR,
  source VARCHAR, event VARCHAR, level VARCHAR, batch INTEGER, message VARCHAR, data JSON
);
CREATE TABLE batches (
  job_id VARCHAR NOT NULL, batch INTEGER NOT NULL, first_row BIGINT, last_row BIGINT,
  lookup_s DOUBLE, check_s DOUBLE, deliver_s DOUBLE, cache_s DOUBLE, "rows" BIGINT, phones_found BIGINT,
  litigator BIGINT, dnc BIGINT, delivered BIGINT, held BIGINT, retry BIGINT, status VARCHAR,
  started_at TIMESTAMP, completed_at TIMESTAMP, PRIMARY KEY (job_id, batch)
);
CREATE TABLE job_leads (
  job_id VARCHAR NOT NULL, person_key VARCHAR NOT NULL, batch INTEGER, disposition VARCHAR, reason VARCHAR,
  "at" TIMESTAMP NOT NULL, callable_until DATE, phone_checks VARCHAR
);
-- Leads that were held back before any step ran. A large list is cut: etl_jobs.counts has the whole numbers.
CREATE TABLE left_out (job_id VARCHAR NOT NULL, reason VARCHAR NOT NULL, person_key UUID NOT NULL, "at" TIMESTAMP NOT NULL);
-- One row: the version that leadflow reads before anything else.
CREATE TABLE leadflow_schema (version INTEGER NOT NULL);
