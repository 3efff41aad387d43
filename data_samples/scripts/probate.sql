/* Probate leads and the expired FHA ones; the campaign's name holds a semicolon; so does this comment. */
CREATE OR REPLACE TEMP TABLE PROBATE_LEADS AS
SELECT *
FROM RAW_LEADS
WHERE "Lead Campaign" LIKE 'Probate%'
   OR "Lead Campaign" = 'FHA; Expired';  -- a semicolon in a string

-- Louisiana has its own desk; leave it out.
CREATE OR REPLACE TEMP TABLE PROBATE_WORK AS
SELECT * FROM PROBATE_LEADS WHERE "State" <> 'LA';

SELECT
    "Lead Number" AS lead_number,
    "Lead Campaign" AS lead_campaign,
    "First Name" AS first_name,
    "Last Name" AS last_name,
    "Address" AS address,
    "City" AS city,
    "State" AS state,
    "Zip" AS zip_code,
    'probate; checked' AS note
FROM PROBATE_WORK
ORDER BY "Lead Number";
