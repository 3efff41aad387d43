"""People Data Labs: the Person Enrichment API, a further source of phones and e-mails.

Sources, read 2026-11-28: https://docs.peopledatalabs.com/docs/introduction (POST), .../docs/reference-person-enrichment
-api (billing, limits), .../docs/input-parameters-person-enrichment-api, .../docs/output-response-person-enrichment-api,
.../docs/person-schema, .../docs/errors, .../docs/usage-limits.
"""

from leadflow.services.people_data_labs.client import PeopleDataLabs

__all__ = ["PeopleDataLabs"]
