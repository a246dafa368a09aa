"""The methods that take `limit` and `offset`, and answer a list."""

from __future__ import annotations

MOST_ROWS = 10_000
"""The most rows that one page can have; 1000 come where no limit is sent."""

# Without `get.`; `getobj.` methods answer one object, and need a limit of the caller's choice.
_NAMES = """
    ad_engines api_requests auto_call_campaigns available_ct_phone_prefixes available_phone_prefixes
    available_virtual_numbers blacklist_phone_numbers call_details call_legs_report
    call_processing_rule_groups call_tracking_black_ips call_tracking_rules calls calls_report
    campaign_available_phone_numbers campaign_available_redirection_phone_numbers
    campaign_daily_stat campaign_parameter_weights campaigns chat_channels chat_messages_report
    chats chats_report column_transfer_reports_list communication_sources communications
    communications_report contact_organizations contacts country_phone_prefixes crm_accounts
    crm_companies crm_sources ct_ac_summary_report ct_summary_report custom_filters customer_users
    customers deal_contacts deal_employees deal_user_fields deals deals_history email_accounts
    email_tracking_rules employee_positions employee_stat employees events
    financial_call_legs_report geolocations goals_report group_contacts group_employees
    integrated_forms integrated_pages lead_funnel_stages lead_user_fields leads media_files
    mgf_calls network_resources notifications numa_lists number_capacity_categories
    number_capacity_ids_user_charges_and_costs number_pool_condition_parameters number_pool_numbers
    number_user_charges_and_costs number_user_charges_and_costs_summary offline_message_user_fields
    offline_messages_report person_details person_events phone_selectors replacement_emails_groups
    replacement_phones_groups report_entities report_generator_tasks report_groups report_types
    reports_list robot_filtration_rules sales_funnel scenarios schedules segments
    sip_line_virtual_numbers sip_lines site_blocks site_categories sites sms source_costs
    source_parameters sources sources_channels sources_groups statuses tags tags_history
    tariff_plans uploaded_calls virtual_numbers visitor_sessions_report visits
"""
PAGED_METHODS = frozenset(f"get.{name}" for name in _NAMES.split())


def page_size_of(method: str) -> int | None:
    """Return the limit to send with each call of a method; `None` if it does not page."""
    return MOST_ROWS if method in PAGED_METHODS else None
