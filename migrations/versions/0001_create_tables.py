"""Create the tables."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

from core.db import UtcDateTime


revision = '0001_create_tables'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('api_key',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('prefix', sa.String(length=16), nullable=False),
    sa.Column('key_hash', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('scopes', sa.JSON(), nullable=False),
    sa.Column('created_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', UtcDateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_key')),
    sa.UniqueConstraint('prefix', name=op.f('uq_api_key_prefix'))
    )
    op.create_table('audit_line',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('occurred_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('actor', sa.String(length=100), nullable=False),
    sa.Column('act', sa.String(length=60), nullable=False),
    sa.Column('object_kind', sa.String(length=40), nullable=False),
    sa.Column('object_id', sa.String(length=100), nullable=False),
    sa.Column('details', sa.JSON(), nullable=False),
    sa.Column('request_id', sa.String(length=32), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_line'))
    )
    with op.batch_alter_table('audit_line', schema=None) as batch_op:
        batch_op.create_index('ix_audit_line_object', ['object_kind', 'object_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_audit_line_occurred_at'), ['occurred_at'], unique=False)

    op.create_table('campaign',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('slug', sa.String(length=60), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('objective', sa.Enum('acquisition', 'loyalty', 'co_creation', 'content', 'events', name='objective', native_enum=False, length=32), nullable=False),
    sa.Column('status', sa.Enum('draft', 'running', 'paused', 'ended', name='campaignstatus', native_enum=False, length=32), nullable=False),
    sa.Column('status_since', UtcDateTime(timezone=True), nullable=False),
    sa.Column('starts_at', UtcDateTime(timezone=True), nullable=True),
    sa.Column('ends_at', UtcDateTime(timezone=True), nullable=True),
    sa.Column('countries', sa.JSON(), nullable=False),
    sa.Column('currencies', sa.JSON(), nullable=False),
    sa.Column('products', sa.JSON(), nullable=False),
    sa.Column('minimum_basket', sa.BigInteger(), nullable=True),
    sa.Column('new_customers_only', sa.Boolean(), nullable=False),
    sa.Column('uses_per_code', sa.Integer(), nullable=True),
    sa.Column('uses_per_customer', sa.Integer(), nullable=True),
    sa.Column('refund_frees_use', sa.Boolean(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('budget', sa.BigInteger(), nullable=True),
    sa.Column('committed', sa.BigInteger(), nullable=False),
    sa.Column('landing_url', sa.String(length=500), nullable=True),
    sa.Column('created_at', UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint('budget IS NULL OR committed <= budget', name=op.f('ck_campaign_within_budget')),
    sa.CheckConstraint('committed >= 0', name=op.f('ck_campaign_committed_not_negative')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_campaign')),
    sa.UniqueConstraint('slug', name=op.f('uq_campaign_slug'))
    )
    with op.batch_alter_table('campaign', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_campaign_status'), ['status'], unique=False)

    op.create_table('fact_change',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('fact', sa.String(length=20), nullable=False),
    sa.Column('month', sa.String(length=7), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_fact_change'))
    )
    op.create_table('failed_sign_in',
    sa.Column('key_hash', sa.String(length=64), nullable=False),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('since', UtcDateTime(timezone=True), nullable=False),
    sa.Column('next_at', UtcDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('key_hash', name=op.f('pk_failed_sign_in'))
    )
    op.create_table('inbox_delivery',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('provider', sa.String(length=20), nullable=False),
    sa.Column('event_id', sa.String(length=200), nullable=False),
    sa.Column('kind', sa.String(length=100), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=True),
    sa.Column('received_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('state', sa.Enum('stored', 'processed', 'ignored', 'failed', name='deliverystate', native_enum=False, length=32), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('note', sa.String(length=500), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_inbox_delivery')),
    sa.UniqueConstraint('provider', 'event_id', name=op.f('uq_inbox_delivery_provider_event_id'))
    )
    with op.batch_alter_table('inbox_delivery', schema=None) as batch_op:
        batch_op.create_index('ix_inbox_delivery_state', ['state', 'received_at'], unique=False)

    op.create_table('job',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('state', sa.Enum('waiting', 'running', 'done', 'failed', 'cancelled', name='jobstate', native_enum=False, length=32), nullable=False),
    sa.Column('payload', sa.JSON(), nullable=False),
    sa.Column('done', sa.Integer(), nullable=False),
    sa.Column('total', sa.Integer(), nullable=True),
    sa.Column('result', sa.JSON(), nullable=False),
    sa.Column('created_by', sa.String(length=100), nullable=False),
    sa.Column('created_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('seen_at', UtcDateTime(timezone=True), nullable=True),
    sa.Column('ended_at', UtcDateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_job'))
    )
    with op.batch_alter_table('job', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_job_state'), ['state'], unique=False)

    op.create_table('ledger_entry',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.Enum('commission', 'release', 'clawback', 'reinstatement', 'payout', name='entrykind', native_enum=False, length=32), nullable=False),
    sa.Column('source', sa.String(length=200), nullable=False),
    sa.Column('occurred_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('recorded_at', UtcDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ledger_entry')),
    sa.UniqueConstraint('source', name=op.f('uq_ledger_entry_source'))
    )
    with op.batch_alter_table('ledger_entry', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_ledger_entry_occurred_at'), ['occurred_at'], unique=False)

    op.create_table('member',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('external_id', sa.String(length=100), nullable=True),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('email', sa.String(length=254), nullable=True),
    sa.Column('email_hash', sa.String(length=64), nullable=True),
    sa.Column('country', sa.String(length=2), nullable=True),
    sa.Column('locale', sa.String(length=5), nullable=True),
    sa.Column('joined_on', sa.Date(), nullable=False),
    sa.Column('created_at', UtcDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_member')),
    sa.UniqueConstraint('email_hash', name=op.f('uq_member_email_hash')),
    sa.UniqueConstraint('external_id', name=op.f('uq_member_external_id'))
    )
    op.create_table('order_alias',
    sa.Column('source', sa.String(length=40), nullable=False),
    sa.Column('alias', sa.String(length=150), nullable=False),
    sa.Column('external_id', sa.String(length=150), nullable=False),
    sa.PrimaryKeyConstraint('source', 'alias', name=op.f('pk_order_alias'))
    )
    op.create_table('outbox_message',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('key', sa.String(length=200), nullable=False),
    sa.Column('payload', sa.JSON(), nullable=False),
    sa.Column('state', sa.Enum('waiting', 'sending', 'sent', 'failed', name='messagestate', native_enum=False, length=32), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('created_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('due_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('token', sa.String(length=32), nullable=True),
    sa.Column('sent_at', UtcDateTime(timezone=True), nullable=True),
    sa.Column('last_error', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_outbox_message')),
    sa.UniqueConstraint('key', name=op.f('uq_outbox_message_key'))
    )
    with op.batch_alter_table('outbox_message', schema=None) as batch_op:
        batch_op.create_index('ix_outbox_message_due', ['state', 'due_at'], unique=False)

    op.create_table('program',
    sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('timezone', sa.String(length=64), nullable=False),
    sa.Column('locale', sa.String(length=5), nullable=False),
    sa.Column('shop_url', sa.String(length=500), nullable=False),
    sa.Column('allowed_hosts', sa.String(length=1000), nullable=False),
    sa.Column('attribution_days', sa.Integer(), nullable=False),
    sa.Column('attribution_touch', sa.Enum('first', 'last', name='touch', native_enum=False, length=32), nullable=False),
    sa.Column('lifetime_binding', sa.Boolean(), nullable=False),
    sa.Column('hold_days', sa.Integer(), nullable=False),
    sa.Column('minimum_payout', sa.BigInteger(), nullable=False),
    sa.Column('asks_per_week', sa.Integer(), nullable=False),
    sa.Column('rule_version', sa.Integer(), nullable=False),
    sa.Column('lake_id', sa.String(length=32), nullable=False),
    sa.CheckConstraint('id = 1', name=op.f('ck_program_one_row')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_program'))
    )
    op.create_table('role',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('name', sa.String(length=32), nullable=False),
    sa.Column('description', sa.String(length=200), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_role')),
    sa.UniqueConstraint('name', name=op.f('uq_role_name'))
    )
    op.create_table('spend',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('key', sa.String(length=200), nullable=False),
    sa.Column('channel', sa.String(length=60), nullable=False),
    sa.Column('spent_on', sa.Date(), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('kind', sa.Enum('media', 'people', 'tools', 'events', 'boxes', 'perks', 'other', name='spendkind', native_enum=False, length=32), nullable=False),
    sa.Column('note', sa.String(length=200), nullable=False),
    sa.Column('created_at', UtcDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_spend')),
    sa.UniqueConstraint('key', name=op.f('uq_spend_key'))
    )
    with op.batch_alter_table('spend', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_spend_spent_on'), ['spent_on'], unique=False)

    op.create_table('user_account',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('email', sa.String(length=254), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('locale', sa.String(length=5), nullable=True),
    sa.Column('password', sa.String(length=255), nullable=True),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('confirmed_at', UtcDateTime(timezone=True), nullable=True),
    sa.Column('fs_uniquifier', sa.String(length=64), nullable=False),
    sa.Column('fs_webauthn_user_handle', sa.String(length=64), nullable=True),
    sa.Column('tf_primary_method', sa.String(length=64), nullable=True),
    sa.Column('tf_totp_secret', sa.String(length=255), nullable=True),
    sa.Column('mf_recovery_codes', sa.JSON(), nullable=True),
    sa.Column('created_at', UtcDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_user_account')),
    sa.UniqueConstraint('email', name=op.f('uq_user_account_email')),
    sa.UniqueConstraint('fs_uniquifier', name=op.f('uq_user_account_fs_uniquifier')),
    sa.UniqueConstraint('fs_webauthn_user_handle', name=op.f('uq_user_account_fs_webauthn_user_handle'))
    )
    op.create_table('ambassador',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('member_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('kind', sa.Enum('customer', 'micro_creator', 'employee', 'partner', name='ambassadorkind', native_enum=False, length=32), nullable=False),
    sa.Column('status', sa.Enum('invited', 'active', 'suspended', 'left', name='ambassadorstatus', native_enum=False, length=32), nullable=False),
    sa.Column('status_since', UtcDateTime(timezone=True), nullable=False),
    sa.Column('enrolled_at', UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['member_id'], ['member.id'], name=op.f('fk_ambassador_member_id_member')),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_ambassador_user_id_user_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ambassador')),
    sa.UniqueConstraint('member_id', name=op.f('uq_ambassador_member_id')),
    sa.UniqueConstraint('user_id', name=op.f('uq_ambassador_user_id'))
    )
    with op.batch_alter_table('ambassador', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_ambassador_status'), ['status'], unique=False)

    op.create_table('benefit',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('campaign_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('percent', 'amount', 'free_shipping', 'free_product', name='benefitkind', native_enum=False, length=32), nullable=False),
    sa.Column('percent', sa.Integer(), nullable=True),
    sa.Column('amount', sa.BigInteger(), nullable=True),
    sa.Column('product', sa.String(length=100), nullable=True),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('fk_benefit_campaign_id_campaign')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_benefit')),
    sa.UniqueConstraint('campaign_id', 'position', name=op.f('uq_benefit_campaign_id_position'))
    )
    op.create_table('customer',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('member_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('country', sa.String(length=2), nullable=True),
    sa.Column('first_purchase_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('first_purchased_at', UtcDateTime(timezone=True), nullable=True),
    sa.Column('created_at', UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['member_id'], ['member.id'], name=op.f('fk_customer_member_id_member')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_customer'))
    )
    with op.batch_alter_table('customer', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_customer_member_id'), ['member_id'], unique=False)

    op.create_table('idempotent_answer',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('api_key_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('key', sa.String(length=255), nullable=False),
    sa.Column('request_hash', sa.String(length=64), nullable=False),
    sa.Column('status', sa.Integer(), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('created_at', UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['api_key_id'], ['api_key.id'], name=op.f('fk_idempotent_answer_api_key_id_api_key')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_idempotent_answer')),
    sa.UniqueConstraint('api_key_id', 'key', name=op.f('uq_idempotent_answer_api_key_id_key'))
    )
    op.create_table('reward_rule',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('campaign_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('percent', 'fixed', name='rewardkind', native_enum=False, length=32), nullable=False),
    sa.Column('rate', sa.Integer(), nullable=True),
    sa.Column('amount', sa.BigInteger(), nullable=True),
    sa.Column('include_tax', sa.Boolean(), nullable=False),
    sa.Column('include_shipping', sa.Boolean(), nullable=False),
    sa.Column('before_discount', sa.Boolean(), nullable=False),
    sa.Column('maximum', sa.BigInteger(), nullable=True),
    sa.Column('hold_days', sa.Integer(), nullable=False),
    sa.Column('new_customers_only', sa.Boolean(), nullable=False),
    sa.Column('effective_from', UtcDateTime(timezone=True), nullable=True),
    sa.Column('created_at', UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('fk_reward_rule_campaign_id_campaign')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reward_rule')),
    sa.UniqueConstraint('campaign_id', 'version', name=op.f('uq_reward_rule_campaign_id_version'))
    )
    op.create_table('sign_in',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('created_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('seen_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('ended_at', UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_sign_in_user_id_user_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sign_in')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_sign_in_token_hash'))
    )
    with op.batch_alter_table('sign_in', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_sign_in_user_id'), ['user_id'], unique=False)

    op.create_table('user_role',
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('role_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['role_id'], ['role.id'], name=op.f('fk_user_role_role_id_role')),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_user_role_user_id_user_account')),
    sa.PrimaryKeyConstraint('user_id', 'role_id', name=op.f('pk_user_role'))
    )
    op.create_table('code',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('key', sa.String(length=60), nullable=False),
    sa.Column('text', sa.String(length=60), nullable=False),
    sa.Column('campaign_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('ambassador_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('status', sa.Enum('active', 'frozen', name='codestatus', native_enum=False, length=32), nullable=False),
    sa.Column('status_since', UtcDateTime(timezone=True), nullable=False),
    sa.Column('starts_at', UtcDateTime(timezone=True), nullable=True),
    sa.Column('ends_at', UtcDateTime(timezone=True), nullable=True),
    sa.Column('uses_limit', sa.Integer(), nullable=True),
    sa.Column('uses_per_customer', sa.Integer(), nullable=True),
    sa.Column('used', sa.Integer(), nullable=False),
    sa.Column('replaces_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('stripe_promotion_code', sa.String(length=100), nullable=True),
    sa.Column('created_at', UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint('used >= 0', name=op.f('ck_code_used_not_negative')),
    sa.CheckConstraint('uses_limit IS NULL OR used <= uses_limit', name=op.f('ck_code_within_limit')),
    sa.ForeignKeyConstraint(['ambassador_id'], ['ambassador.id'], name=op.f('fk_code_ambassador_id_ambassador')),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('fk_code_campaign_id_campaign')),
    sa.ForeignKeyConstraint(['replaces_id'], ['code.id'], name=op.f('fk_code_replaces_id_code')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_code')),
    sa.UniqueConstraint('key', name=op.f('uq_code_key')),
    sa.UniqueConstraint('stripe_promotion_code', name=op.f('uq_code_stripe_promotion_code'))
    )
    with op.batch_alter_table('code', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_code_ambassador_id'), ['ambassador_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_code_campaign_id'), ['campaign_id'], unique=False)

    op.create_table('customer_identity',
    sa.Column('key', sa.String(length=300), nullable=False),
    sa.Column('customer_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_customer_identity_customer_id_customer')),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_customer_identity'))
    )
    with op.batch_alter_table('customer_identity', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_customer_identity_customer_id'), ['customer_id'], unique=False)

    op.create_table('link',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('slug', sa.String(length=60), nullable=False),
    sa.Column('campaign_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('ambassador_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('destination', sa.String(length=500), nullable=False),
    sa.Column('created_at', UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['ambassador_id'], ['ambassador.id'], name=op.f('fk_link_ambassador_id_ambassador')),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('fk_link_campaign_id_campaign')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_link')),
    sa.UniqueConstraint('slug', name=op.f('uq_link_slug'))
    )
    with op.batch_alter_table('link', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_link_ambassador_id'), ['ambassador_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_link_campaign_id'), ['campaign_id'], unique=False)

    op.create_table('purchase',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('source', sa.String(length=40), nullable=False),
    sa.Column('external_id', sa.String(length=150), nullable=False),
    sa.Column('occurred_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('total', sa.BigInteger(), nullable=False),
    sa.Column('discount', sa.BigInteger(), nullable=False),
    sa.Column('tax', sa.BigInteger(), nullable=False),
    sa.Column('shipping', sa.BigInteger(), nullable=False),
    sa.Column('net_amount', sa.BigInteger(), nullable=False),
    sa.Column('refunded', sa.BigInteger(), nullable=False),
    sa.Column('status', sa.Enum('paid', 'pending', 'cancelled', name='purchasestatus', native_enum=False, length=32), nullable=False),
    sa.Column('is_test', sa.Boolean(), nullable=False),
    sa.Column('customer_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('customer_key', sa.String(length=64), nullable=True),
    sa.Column('country', sa.String(length=2), nullable=True),
    sa.Column('codes', sa.JSON(), nullable=False),
    sa.Column('click_token', sa.String(length=64), nullable=True),
    sa.Column('heard_from', sa.String(length=200), nullable=True),
    sa.Column('subscription', sa.String(length=150), nullable=True),
    sa.Column('period_index', sa.Integer(), nullable=True),
    sa.Column('fact_hash', sa.String(length=64), nullable=False),
    sa.Column('recorded_at', UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint('refunded >= 0 AND refunded <= total', name=op.f('ck_purchase_refunded_within_total')),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_purchase_customer_id_customer')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_purchase')),
    sa.UniqueConstraint('source', 'external_id', name=op.f('uq_purchase_source_external_id'))
    )
    with op.batch_alter_table('purchase', schema=None) as batch_op:
        batch_op.create_index('ix_purchase_customer', ['customer_id', 'occurred_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_purchase_occurred_at'), ['occurred_at'], unique=False)

    op.create_table('binding',
    sa.Column('key', sa.String(length=220), nullable=False),
    sa.Column('ambassador_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('campaign_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('purchase_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('bound_at', UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['ambassador_id'], ['ambassador.id'], name=op.f('fk_binding_ambassador_id_ambassador')),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('fk_binding_campaign_id_campaign')),
    sa.ForeignKeyConstraint(['purchase_id'], ['purchase.id'], name=op.f('fk_binding_purchase_id_purchase')),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_binding'))
    )
    op.create_table('click',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('token', sa.String(length=32), nullable=False),
    sa.Column('link_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('clicked_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('kind', sa.Enum('visit', 'bot', 'prefetch', 'head', 'embedded', name='clickkind', native_enum=False, length=32), nullable=False),
    sa.Column('has_consent', sa.Boolean(), nullable=False),
    sa.Column('is_paid_traffic', sa.Boolean(), nullable=False),
    sa.Column('ip_hash', sa.String(length=64), nullable=True),
    sa.Column('referrer_host', sa.String(length=200), nullable=True),
    sa.ForeignKeyConstraint(['link_id'], ['link.id'], name=op.f('fk_click_link_id_link')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_click')),
    sa.UniqueConstraint('token', name=op.f('uq_click_token'))
    )
    with op.batch_alter_table('click', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_click_clicked_at'), ['clicked_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_click_link_id'), ['link_id'], unique=False)

    op.create_table('code_customer_use',
    sa.Column('code_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('customer_key', sa.String(length=64), nullable=False),
    sa.Column('used', sa.Integer(), nullable=False),
    sa.CheckConstraint('used >= 0', name=op.f('ck_code_customer_use_used_not_negative')),
    sa.ForeignKeyConstraint(['code_id'], ['code.id'], name=op.f('fk_code_customer_use_code_id_code')),
    sa.PrimaryKeyConstraint('code_id', 'customer_key', name=op.f('pk_code_customer_use'))
    )
    op.create_table('commission',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('purchase_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('ambassador_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('campaign_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('rule_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.Enum('percent', 'fixed', name='rewardkind', native_enum=False, length=32), nullable=False),
    sa.Column('rate', sa.Integer(), nullable=True),
    sa.Column('fixed', sa.BigInteger(), nullable=True),
    sa.Column('base', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('earned_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('payable_at', UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint('amount >= 0', name=op.f('ck_commission_amount_not_negative')),
    sa.ForeignKeyConstraint(['ambassador_id'], ['ambassador.id'], name=op.f('fk_commission_ambassador_id_ambassador')),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('fk_commission_campaign_id_campaign')),
    sa.ForeignKeyConstraint(['purchase_id'], ['purchase.id'], name=op.f('fk_commission_purchase_id_purchase')),
    sa.ForeignKeyConstraint(['rule_id'], ['reward_rule.id'], name=op.f('fk_commission_rule_id_reward_rule')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_commission')),
    sa.UniqueConstraint('purchase_id', 'ambassador_id', name=op.f('uq_commission_purchase_id_ambassador_id'))
    )
    with op.batch_alter_table('commission', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_commission_ambassador_id'), ['ambassador_id'], unique=False)
        batch_op.create_index('ix_commission_release', ['payable_at'], unique=False)

    op.create_table('ledger_posting',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('entry_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('ambassador_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('purchase_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('account', sa.Enum('expense', 'pending', 'held', 'payable', 'cash', name='account', native_enum=False, length=32), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.CheckConstraint('amount <> 0', name=op.f('ck_ledger_posting_amount_not_zero')),
    sa.ForeignKeyConstraint(['ambassador_id'], ['ambassador.id'], name=op.f('fk_ledger_posting_ambassador_id_ambassador')),
    sa.ForeignKeyConstraint(['entry_id'], ['ledger_entry.id'], name=op.f('fk_ledger_posting_entry_id_ledger_entry')),
    sa.ForeignKeyConstraint(['purchase_id'], ['purchase.id'], name=op.f('fk_ledger_posting_purchase_id_purchase')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ledger_posting'))
    )
    with op.batch_alter_table('ledger_posting', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_ledger_posting_entry_id'), ['entry_id'], unique=False)
        batch_op.create_index('ix_ledger_posting_owed', ['ambassador_id', 'account', 'currency'], unique=False)
        batch_op.create_index(batch_op.f('ix_ledger_posting_purchase_id'), ['purchase_id'], unique=False)

    op.create_table('purchase_line',
    sa.Column('purchase_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('position', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('sku', sa.String(length=100), nullable=False),
    sa.Column('quantity', sa.Integer(), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['purchase_id'], ['purchase.id'], name=op.f('fk_purchase_line_purchase_id_purchase')),
    sa.PrimaryKeyConstraint('purchase_id', 'position', name=op.f('pk_purchase_line'))
    )
    op.create_table('redemption',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('code_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('order_key', sa.String(length=200), nullable=False),
    sa.Column('state', sa.Enum('reserved', 'redeemed', 'rolled_back', 'expired', name='redemptionstate', native_enum=False, length=32), nullable=False),
    sa.Column('customer_key', sa.String(length=64), nullable=True),
    sa.Column('created_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('expires_at', UtcDateTime(timezone=True), nullable=True),
    sa.Column('settled_at', UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['code_id'], ['code.id'], name=op.f('fk_redemption_code_id_code')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_redemption')),
    sa.UniqueConstraint('code_id', 'order_key', name=op.f('uq_redemption_code_id_order_key'))
    )
    with op.batch_alter_table('redemption', schema=None) as batch_op:
        batch_op.create_index('ix_redemption_expiry', ['state', 'expires_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_redemption_order_key'), ['order_key'], unique=False)

    op.create_table('refund',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('source', sa.String(length=40), nullable=False),
    sa.Column('external_id', sa.String(length=200), nullable=False),
    sa.Column('order_source', sa.String(length=40), nullable=False),
    sa.Column('order_external_id', sa.String(length=150), nullable=False),
    sa.Column('purchase_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('kind', sa.Enum('refund', 'dispute', name='refundkind', native_enum=False, length=32), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('occurred_at', UtcDateTime(timezone=True), nullable=False),
    sa.Column('state', sa.Enum('parked', 'applied', 'failed', name='refundstate', native_enum=False, length=32), nullable=False),
    sa.Column('recorded_at', UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint('amount > 0', name=op.f('ck_refund_amount_positive')),
    sa.ForeignKeyConstraint(['purchase_id'], ['purchase.id'], name=op.f('fk_refund_purchase_id_purchase')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_refund')),
    sa.UniqueConstraint('source', 'external_id', name=op.f('uq_refund_source_external_id'))
    )
    with op.batch_alter_table('refund', schema=None) as batch_op:
        batch_op.create_index('ix_refund_order', ['source', 'order_external_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_refund_purchase_id'), ['purchase_id'], unique=False)

    op.create_table('attribution',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('purchase_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('ambassador_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('campaign_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('code_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('click_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('touch', sa.Enum('code', 'link', 'binding', 'manual', name='credittouch', native_enum=False, length=32), nullable=True),
    sa.Column('reason', sa.String(length=200), nullable=False),
    sa.Column('rule_version', sa.Integer(), nullable=False),
    sa.Column('lost', sa.JSON(), nullable=False),
    sa.Column('suspicion', sa.String(length=60), nullable=True),
    sa.ForeignKeyConstraint(['ambassador_id'], ['ambassador.id'], name=op.f('fk_attribution_ambassador_id_ambassador')),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('fk_attribution_campaign_id_campaign')),
    sa.ForeignKeyConstraint(['click_id'], ['click.id'], name=op.f('fk_attribution_click_id_click')),
    sa.ForeignKeyConstraint(['code_id'], ['code.id'], name=op.f('fk_attribution_code_id_code')),
    sa.ForeignKeyConstraint(['purchase_id'], ['purchase.id'], name=op.f('fk_attribution_purchase_id_purchase')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_attribution')),
    sa.UniqueConstraint('purchase_id', name=op.f('uq_attribution_purchase_id'))
    )
    with op.batch_alter_table('attribution', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_attribution_ambassador_id'), ['ambassador_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_attribution_campaign_id'), ['campaign_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_attribution_code_id'), ['code_id'], unique=False)
    _write_the_program()


def _write_the_program() -> None:
    """Write the one row of program rules, with its defaults."""
    row = {
        "id": 1, "name": "Cercle", "currency": "EUR", "timezone": "Europe/Paris", "locale": "fr",
        "shop_url": "https://shop.example", "allowed_hosts": "", "attribution_days": 30,
        "attribution_touch": "last", "lifetime_binding": False, "hold_days": 30,
        "minimum_payout": 2000, "asks_per_week": 2, "rule_version": 1,
        "lake_id": secrets.token_hex(8),
    }  # fmt: skip
    table = sa.table("program", *[sa.column(name) for name in row])
    op.bulk_insert(table, [row])


def downgrade() -> None:
    with op.batch_alter_table('attribution', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_attribution_code_id'))
        batch_op.drop_index(batch_op.f('ix_attribution_campaign_id'))
        batch_op.drop_index(batch_op.f('ix_attribution_ambassador_id'))

    op.drop_table('attribution')
    with op.batch_alter_table('refund', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_refund_purchase_id'))
        batch_op.drop_index('ix_refund_order')

    op.drop_table('refund')
    with op.batch_alter_table('redemption', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_redemption_order_key'))
        batch_op.drop_index('ix_redemption_expiry')

    op.drop_table('redemption')
    op.drop_table('purchase_line')
    with op.batch_alter_table('ledger_posting', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_ledger_posting_purchase_id'))
        batch_op.drop_index('ix_ledger_posting_owed')
        batch_op.drop_index(batch_op.f('ix_ledger_posting_entry_id'))

    op.drop_table('ledger_posting')
    with op.batch_alter_table('commission', schema=None) as batch_op:
        batch_op.drop_index('ix_commission_release')
        batch_op.drop_index(batch_op.f('ix_commission_ambassador_id'))

    op.drop_table('commission')
    op.drop_table('code_customer_use')
    with op.batch_alter_table('click', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_click_link_id'))
        batch_op.drop_index(batch_op.f('ix_click_clicked_at'))

    op.drop_table('click')
    op.drop_table('binding')
    with op.batch_alter_table('purchase', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_purchase_occurred_at'))
        batch_op.drop_index('ix_purchase_customer')

    op.drop_table('purchase')
    with op.batch_alter_table('link', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_link_campaign_id'))
        batch_op.drop_index(batch_op.f('ix_link_ambassador_id'))

    op.drop_table('link')
    with op.batch_alter_table('customer_identity', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_customer_identity_customer_id'))

    op.drop_table('customer_identity')
    with op.batch_alter_table('code', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_code_campaign_id'))
        batch_op.drop_index(batch_op.f('ix_code_ambassador_id'))

    op.drop_table('code')
    op.drop_table('user_role')
    with op.batch_alter_table('sign_in', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_sign_in_user_id'))

    op.drop_table('sign_in')
    op.drop_table('reward_rule')
    op.drop_table('idempotent_answer')
    with op.batch_alter_table('customer', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_customer_member_id'))

    op.drop_table('customer')
    op.drop_table('benefit')
    with op.batch_alter_table('ambassador', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_ambassador_status'))

    op.drop_table('ambassador')
    op.drop_table('user_account')
    with op.batch_alter_table('spend', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_spend_spent_on'))

    op.drop_table('spend')
    op.drop_table('role')
    op.drop_table('program')
    with op.batch_alter_table('outbox_message', schema=None) as batch_op:
        batch_op.drop_index('ix_outbox_message_due')

    op.drop_table('outbox_message')
    op.drop_table('order_alias')
    op.drop_table('member')
    with op.batch_alter_table('ledger_entry', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_ledger_entry_occurred_at'))

    op.drop_table('ledger_entry')
    with op.batch_alter_table('job', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_job_state'))

    op.drop_table('job')
    with op.batch_alter_table('inbox_delivery', schema=None) as batch_op:
        batch_op.drop_index('ix_inbox_delivery_state')

    op.drop_table('inbox_delivery')
    op.drop_table('failed_sign_in')
    op.drop_table('fact_change')
    with op.batch_alter_table('campaign', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_campaign_status'))

    op.drop_table('campaign')
    with op.batch_alter_table('audit_line', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_audit_line_occurred_at'))
        batch_op.drop_index('ix_audit_line_object')

    op.drop_table('audit_line')
    op.drop_table('api_key')
