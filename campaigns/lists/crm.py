"""CRMs whose import of CSV is documented, and what it calls the columns of a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Crm:
    """What an import expects of a header line.

    Parameters
    ----------
    title
        As its maker writes it.
    headers
        Its own names by meaning; a column without one here is a custom field there, under the name it is given.
    by_address
        People are known by their e-mail address, and nobody can be imported without; otherwise by the customer's id.
    identity
        What the customer's id is called.
    """

    title: str
    headers: Mapping[str, str]
    by_address: bool = True
    identity: str = "customer_id"


CRMS = {
    "braze": Crm(
        "Braze",
        {word: word for word in ("email", "first_name", "last_name", "phone", "language", "country")},
        by_address=False,
        identity="external_id",
    ),
    "hubspot": Crm("HubSpot", {"email": "Email", "first_name": "First name", "last_name": "Last name"}),
    "klaviyo": Crm("Klaviyo", {"email": "Email Address", "phone": "Phone Number"}),
    "mailchimp": Crm("Mailchimp", {"email": "Email Address"}),
    "salesforce": Crm(
        "Salesforce's Data Import Wizard",
        {"email": "Email", "first_name": "First Name", "last_name": "Last Name"},
    ),
}
"""By the name of `--crm`. Only what the makers' own pages name is here; none of these imports was run.

References
----------
Braze, "CSV import": https://www.braze.com/docs/user_guide/data/unification/user_data/import_users/csv/ (`external_id`
is the identifier; headers must be the reserved attributes letter by letter, or become custom attributes).
HubSpot, "Set up your import files": https://knowledge.hubspot.com/articles/kcs_article/contacts/set-up-your-import-file
(headers are matched with the names of properties; contacts: First name, Last name, Email).
Klaviyo, "How to create and add subscribers to a new list": https://help.klaviyo.com/hc/en-us/articles/115005078967 (the
first column is Email Address or Phone Number; others are custom properties under their header).
Mailchimp, "Format Guidelines for Your Import File": https://mailchimp.com/help/format-guidelines-for-your-import-file/
(the Email Address is needed, once for each contact; other columns are matched by hand).
Salesforce, "Field Mapping for Importing Leads" and "… for Other Data Sources and Organization Import":
https://help.salesforce.com/s/articleView?id=xcloud.field_mapping_for_importing_leads.htm (labels of the import file).
"""
