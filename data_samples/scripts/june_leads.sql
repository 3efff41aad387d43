-- June campaigns, newest entry of each lead number.
WITH june AS (
    SELECT *
    FROM RAW_LEADS
    WHERE "Campaign Date" LIKE '2026-06-%' OR "Campaign Date" LIKE '06/%/2026'
),
ranked AS (
    SELECT june.*, ROW_NUMBER() OVER (PARTITION BY "Lead Number" ORDER BY "Campaign Date" DESC) AS place
    FROM june
)
SELECT
    "Lead Number", "Campaign Date", "Lead Campaign", "Lead Source", "Ref ID",
    "First Name", "Last Name", "Address", "City", "State", "Zip"
FROM ranked
WHERE place = 1
ORDER BY "Lead Number";
