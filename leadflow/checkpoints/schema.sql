-- The tables of the current version. A change here needs a step in migrations.py, see the rules there.
-- No comment may hold a semicolon: the statements are split at them.
CREATE TABLE answers (
    person_key TEXT PRIMARY KEY, payload TEXT NOT NULL, job_id TEXT NOT NULL, saved_at REAL NOT NULL);
CREATE TABLE scrubs (
    phone TEXT NOT NULL, kind TEXT NOT NULL, payload TEXT NOT NULL, saved_at REAL NOT NULL,
    PRIMARY KEY (phone, kind));
CREATE TABLE jobs (
    job_id TEXT PRIMARY KEY, plan TEXT NOT NULL, counts TEXT, extracted_at REAL, ended_at REAL);
CREATE TABLE leads (
    job_id TEXT NOT NULL, person_key TEXT NOT NULL, seq INTEGER NOT NULL, batch INTEGER NOT NULL,
    row TEXT NOT NULL, disposition TEXT, reason TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (job_id, person_key)) WITHOUT ROWID;
CREATE TABLE turns (turn INTEGER PRIMARY KEY AUTOINCREMENT, job_id TEXT NOT NULL UNIQUE);
CREATE INDEX leads_in_order ON leads (job_id, batch, seq);
CREATE TABLE pids (
    job_id TEXT NOT NULL, pid TEXT NOT NULL, person_key TEXT NOT NULL, PRIMARY KEY (job_id, pid)) WITHOUT ROWID;
CREATE TABLE accepted (
    job_id TEXT NOT NULL, person_key TEXT NOT NULL, pid TEXT NOT NULL, accepted_at REAL NOT NULL,
    PRIMARY KEY (job_id, person_key)) WITHOUT ROWID;
CREATE TABLE checked (
    job_id TEXT NOT NULL, kind TEXT NOT NULL, numbers INTEGER NOT NULL, PRIMARY KEY (job_id, kind));
CREATE TABLE suppressions (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, phone TEXT NOT NULL, lead_key TEXT NOT NULL,
    reason TEXT NOT NULL, source TEXT NOT NULL, added_by TEXT NOT NULL, added_at TEXT NOT NULL, scope TEXT NOT NULL,
    expires_on TEXT NOT NULL, in_table INTEGER NOT NULL DEFAULT 0, withdrawn INTEGER NOT NULL DEFAULT 0,
    closed_at TEXT);
CREATE INDEX suppressed_phones ON suppressions (phone);
CREATE INDEX suppressed_keys ON suppressions (lead_key);
CREATE TABLE suppression_targets (
    target TEXT PRIMARY KEY, seq INTEGER NOT NULL, obstacle TEXT NOT NULL, tried_at TEXT NOT NULL);
CREATE TABLE unproven_appends (job_id TEXT NOT NULL, target TEXT NOT NULL, PRIMARY KEY (job_id, target)) WITHOUT ROWID;
CREATE TABLE unrecorded_withdrawals (
    target TEXT NOT NULL, lead_key TEXT NOT NULL, phone TEXT NOT NULL, job_id TEXT NOT NULL,
    PRIMARY KEY (target, lead_key, phone, job_id)) WITHOUT ROWID;
CREATE TABLE further_answers (
    person_key TEXT NOT NULL, provider TEXT NOT NULL, payload TEXT NOT NULL, job_id TEXT NOT NULL,
    saved_at REAL NOT NULL, cost REAL NOT NULL, PRIMARY KEY (person_key, provider)) WITHOUT ROWID;
CREATE TABLE further_lost (
    job_id TEXT NOT NULL, provider TEXT NOT NULL, searches INTEGER NOT NULL, cost REAL NOT NULL,
    PRIMARY KEY (job_id, provider)) WITHOUT ROWID;
CREATE TABLE flagged (
    job_id TEXT NOT NULL, kind TEXT NOT NULL, numbers INTEGER NOT NULL, PRIMARY KEY (job_id, kind)) WITHOUT ROWID;
