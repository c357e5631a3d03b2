"""The application factory: settings, extensions, rooms, error pages."""

from __future__ import annotations

import click
from flask import Blueprint, Flask
from flask_bootstrap import Bootstrap5
from flask_migrate import Migrate
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

import webhooks
from accounts import api as api_description
from accounts import cli as accounts_cli
from accounts import console as accounts_console
from accounts import (
    console_endpoints,
    console_mailbox,
    health,
    jobs_endpoints,
    navigation,
    permissions,
    public,
    public_passkeys,
    rates,
    security,
)
from accounts import jobs as accounts_jobs
from ambassadors import api as ambassadors_api
from ambassadors import cli as ambassadors_cli
from ambassadors import (
    cli_holdouts,
    console_charter,
    console_circles,
    console_members,
    jobs_applications,
    program,
)
from ambassadors import console as ambassadors_console
from ambassadors import portal as ambassadors_portal
from ambassadors import public as unsubscribing
from campaigns import api as campaigns_api
from campaigns import api_campaigns as campaigns_api_read
from campaigns import cli as campaigns_cli
from campaigns import cli_spend as spend_cli
from campaigns import console as campaigns_console
from campaigns import (
    console_costs,
    console_kit,
    console_mentions,
    console_messages,
    console_recruiting,
    console_spend,
    public_applications,
    public_images,
)
from campaigns import jobs as campaigns_jobs
from core import clock, commands, config, i18n, logs, web, worker
from core import db as database
from core.db import db
from demo import cli as demo_cli
from integrations import cli as operator_cli
from integrations import cli_serve
from integrations import jobs as integrations_jobs
from referrals import api as codes_api
from referrals import api_code_jobs as code_jobs_api
from referrals import (
    api_nps,
    api_survey,
    cli_nps,
    cli_survey,
    console_applications,
    console_cards,
    console_code,
    console_links,
    console_requests,
    jobs_codes,
    jobs_invitations,
    public_survey,
)
from referrals import cli as codes_cli
from referrals import console as codes_console
from referrals import console_batches as code_batches_console
from referrals import portal as codes_portal
from referrals import public as referral_links
from reports import api as reports_api
from reports import cli as reports_cli
from reports import cli_ledger as ledger_cli
from reports import (
    cli_lift,
    console_board,
    console_books,
    console_compared,
    console_direction,
    console_funnel,
    console_holdouts,
    console_journal,
    console_overview,
    console_survey,
    console_views,
)
from reports import console as reports_console
from reports import jobs as reports_jobs
from rewards import api as purchases_api
from rewards import (
    api_payouts,
    api_points,
    cli_imports,
    cli_payouts,
    cli_points,
    cli_privacy,
    cli_rates,
    cli_statements,
    console_billing,
    console_commissions,
    console_content,
    console_contracts,
    console_customers,
    console_explained,
    console_imports,
    console_invitations,
    console_missions,
    console_nps,
    console_payouts,
    console_perks,
    console_questions,
    console_rates,
    console_segments,
    console_sprints,
    console_statements,
    console_suggestions,
    console_thresholds,
    console_vouchers,
    console_wizard,
    jobs_billing,
    jobs_imports,
    jobs_missions,
    jobs_payouts,
    jobs_perks,
    jobs_points,
    jobs_privacy,
    jobs_rates,
    portal_billing,
    portal_campaigns,
    portal_connect,
    portal_content,
    portal_contracts,
    portal_invite,
    portal_me,
    portal_missions,
    portal_payouts,
    portal_questions,
    portal_redeem,
    portal_statements,
    portal_tax,
    public_join,
    segments,
)
from rewards import console as rewards_console
from rewards import jobs as rewards_jobs
from rewards import portal as rewards_portal

# Every door of the house; `accounts/permissions.py` reads who may pass from each.
DOORS: list[Blueprint] = [
    public.door,
    api_description.door,
    public.sign_in_door,
    public_passkeys.sign_in_door,
    public_passkeys.door,
    accounts_console.door,
    accounts_cli.door,
    accounts_cli.keys_door,
    referral_links.door,
    ambassadors_cli.door,
    cli_holdouts.door,
    campaigns_cli.door,
    codes_cli.door,
    campaigns_api.door,
    spend_cli.door,
    cli_rates.door,
    console_rates.door,
    console_commissions.door,
    console_explained.door,
    console_spend.door,
    console_costs.door,
    codes_api.door,
    code_jobs_api.door,
    purchases_api.door,
    reports_api.door,
    reports_cli.door,
    cli_lift.door,
    ledger_cli.door,
    reports_console.door,
    console_overview.door,
    console_books.door,
    console_journal.door,
    api_survey.door,
    cli_survey.door,
    api_nps.door,
    cli_nps.door,
    console_nps.door,
    public_survey.door,
    console_survey.door,
    console_direction.door,
    console_views.door,
    console_funnel.door,
    console_compared.door,
    console_holdouts.door,
    console_board.door,
    ambassadors_api.door,
    campaigns_api_read.door,
    ambassadors_console.door,
    campaigns_console.door,
    console_mentions.door,
    console_kit.door,
    public_images.door,
    console_sprints.door,
    console_wizard.door,
    codes_console.door,
    code_batches_console.door,
    console_code.door,
    console_links.door,
    console_requests.door,
    console_cards.door,
    codes_portal.door,
    public_applications.door,
    console_recruiting.door,
    console_charter.door,
    console_applications.door,
    rewards_console.door,
    rewards_portal.door,
    portal_questions.door,
    portal_me.door,
    portal_connect.door,
    portal_payouts.door,
    portal_contracts.door,
    portal_statements.door,
    portal_billing.door,
    portal_tax.door,
    console_billing.door,
    console_statements.door,
    cli_statements.door,
    console_contracts.door,
    console_thresholds.door,
    portal_content.door,
    portal_campaigns.door,
    console_content.door,
    cli_privacy.door,
    console_questions.door,
    console_customers.door,
    portal_redeem.door,
    public_join.door,
    portal_invite.door,
    console_invitations.door,
    console_suggestions.door,
    console_perks.door,
    console_missions.door,
    portal_missions.door,
    console_vouchers.door,
    console_payouts.door,
    cli_payouts.door,
    api_payouts.door,
    api_points.door,
    cli_points.door,
    cli_imports.door,
    console_imports.door,
    health.door,
    console_mailbox.door,
    console_endpoints.door,
    operator_cli.door,
    cli_serve.door,
    console_circles.door,
    console_members.door,
    console_segments.door,
    console_messages.door,
    ambassadors_portal.door,
    unsubscribing.door,
    webhooks.door,
    webhooks.console_door,
    demo_cli.door,
]

# What the clock does, in this order; `flask worker` runs it.
JOBS: tuple[worker.Job, ...] = (
    worker.Job("send messages", 5, integrations_jobs.send_messages),
    worker.Job("send messages to members", 5, campaigns_jobs.send_messages),
    worker.Job("tell other programs", 5, jobs_endpoints.tell_endpoints),
    worker.Job("refresh segments", 300, segments.refresh_due),
    worker.Job("prepare reward codes", 5, jobs_perks.prepare_codes),
    worker.Job("apply webhooks", 60, webhooks.apply_waiting),
    worker.Job("run imports", 10, lambda: jobs_imports.run_due(stop=worker.is_stopping)),
    worker.Job("make codes", 10, lambda: jobs_codes.run_due(stop=worker.is_stopping)),
    worker.Job("settle purchases that await a rate", 300, jobs_rates.settle_waiting),
    worker.Job("apply parked refunds", 60, rewards_jobs.apply_parked_refunds),
    worker.Job("expire reservations", 60, rewards_jobs.expire_reservations),
    worker.Job("look for leaked codes", 3600, jobs_codes.look_for_leaks),
    worker.Job("link members", 3600, rewards_jobs.link_members),
    worker.Job("look for suspicions", 3600, rewards_jobs.look_for_suspicions),
    worker.Job("send payouts", 10, lambda: jobs_payouts.send_due(stop=worker.is_stopping)),
    worker.Job("prove payouts", 300, lambda: jobs_payouts.prove_due(stop=worker.is_stopping)),
    worker.Job("correct invoices", 3600, jobs_billing.correct_invoices),
    worker.Job("release holds", 3600, rewards_jobs.release_holds),
    worker.Job("give missions", 3600, jobs_missions.give_reached),
    worker.Job("expire points", 3600, jobs_points.expire_points),
    worker.Job("tell of points that expire", 3600, jobs_points.tell_of_expiry),
    worker.Job("sweep sign-ins", 3600, accounts_jobs.sweep),
    worker.Job("make data files", 60, jobs_privacy.write_exports),
    worker.Job("drop data files", 3600, jobs_privacy.sweep),
    worker.Job("forget what is over", 24 * 3600, jobs_privacy.sweep_daily),
    worker.Job("check profiles", 60, jobs_applications.check_profiles),
    worker.Job("sweep applications", 3600, jobs_applications.sweep_applications),
    worker.Job("sweep images", 3600, campaigns_jobs.sweep_images),
    worker.Job("sweep invitations", 3600, jobs_invitations.sweep),
    worker.Job("check the ledger", 3600, reports_jobs.check_ledger),
    worker.Job("record recurring costs", 3600, campaigns_jobs.record_costs),
    worker.Job("refresh reports", 300, reports_jobs.refresh_lake),
    worker.Job("send the direction report", 3600, reports_jobs.send_direction),
)

csrf = CSRFProtect()
migrate = Migrate()
bootstrap = Bootstrap5()  # its stylesheet only, from our own server


def create_app(settings: config.Settings | None = None) -> Flask:
    """Return the application.

    Args:
        settings: Instead of those of the environment; tests pass theirs.

    Raises:
        SettingsError: The environment cannot run Cercle; says what to mend.
    """
    settings = settings or config.load()
    clock.set_now(settings.now)
    logs.init(pretty=not settings.is_production)
    settings.instance.mkdir(parents=True, exist_ok=True)
    app = Flask(__name__, instance_path=str(settings.instance.resolve()))
    app.config.update(config.flask_config(settings))
    if settings.proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies, x_host=0
        )
    app.extensions["settings"] = settings
    app.url_map.strict_slashes = False  # a slash at the end of an address changes nothing
    app.extensions["jobs"] = JOBS
    journal = database.safe_journal_mode(is_production=settings.is_production)
    database.init_app(app, journal_mode=journal, statement_timeout_ms=5000)
    migrate.init_app(app, db, directory=str(config.ROOT / "migrations"), render_as_batch=True)
    csrf.init_app(app)
    web.init_app(app)
    security.init_app(app)
    bootstrap.init_app(app)
    permissions.init_app(app)
    rates.init_app(app, per_minute=settings.api_per_minute, redis_url=settings.redis_url)
    permissions.open_static(app)
    navigation.init_app(app)
    app.jinja_env.globals["brand_name"] = lambda: program.current().name
    i18n.init_app(
        app, prefers=security.preferred_language, timezone=lambda: program.current().timezone
    )
    _open_rooms(app)
    return app


def _open_rooms(app: Flask) -> None:
    """Register every door of the house."""
    for door in DOORS:
        known = app.cli.commands.get(str(door.cli_group))
        if isinstance(known, click.Group):  # several rooms add to `flask import`
            for name, command in known.commands.items():
                door.cli.add_command(command, name)
        app.register_blueprint(door)
        if getattr(door, "policy", permissions.PUBLIC).scopes:
            csrf.exempt(door)  # a key in a header is not sent by a stranger's page
    csrf.exempt(public_survey.door)  # the signed link is the proof, and needs no cookie
    csrf.exempt(webhooks.door)  # nor is a signature
    commands.tell_troubles(app.cli)
    csrf.exempt(unsubscribing.door)  # a mail program posts there; the link itself is signed
