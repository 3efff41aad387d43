-- The rights in Snowflake that a job needs, and no more. Replace the names of the warehouse, the database, the schema,
-- the script's table and the user, then run it as a role that may grant. Temporary tables need no right of their own:
-- https://docs.snowflake.com/en/sql-reference/sql/create-table

CREATE ROLE IF NOT EXISTS LEADFLOW;
GRANT ROLE LEADFLOW TO USER ANALYST;

GRANT USAGE ON WAREHOUSE COMPUTE_WH TO ROLE LEADFLOW;
GRANT USAGE ON DATABASE LEADS_DB TO ROLE LEADFLOW;
GRANT USAGE ON SCHEMA LEADS_DB.PUBLIC TO ROLE LEADFLOW;

-- Each table and view that the scripts read, with USAGE on its database and schema.
GRANT SELECT ON TABLE LEADS_DB.PUBLIC.RAW_LEADS TO ROLE LEADFLOW;

-- The first job makes the tables that are not there. Not needed once they are.
GRANT CREATE TABLE ON SCHEMA LEADS_DB.PUBLIC TO ROLE LEADFLOW;

-- Not needed if LEADFLOW itself made them.
GRANT SELECT, INSERT, UPDATE ON TABLE LEADS_DB.PUBLIC.PERSON_CACHE TO ROLE LEADFLOW;
GRANT SELECT, INSERT, UPDATE ON TABLE LEADS_DB.PUBLIC.UNIQUE_CONSOLIDATED_DATA TO ROLE LEADFLOW;

-- No UPDATE and no DELETE: an entry of the ledger stays as it was written. A role that made the table owns it, and may
-- change it whatever is granted, so let another role make this one.
GRANT SELECT, INSERT ON TABLE LEADS_DB.PUBLIC.SCRUB_LEDGER TO ROLE LEADFLOW;
GRANT SELECT, INSERT, UPDATE ON TABLE LEADS_DB.PUBLIC.SUPPRESSIONS TO ROLE LEADFLOW;

-- For engine.prune_records() alone, which deletes what is older than the settings keep. Better in a role of its own.
-- GRANT DELETE ON TABLE LEADS_DB.PUBLIC.SCRUB_LEDGER TO ROLE LEADFLOW;
-- GRANT DELETE ON TABLE LEADS_DB.PUBLIC.SUPPRESSIONS TO ROLE LEADFLOW;
