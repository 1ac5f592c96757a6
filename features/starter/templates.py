"""readiness.toml and rules.toml as `readiness init` writes them; {...} is filled in."""

SETTINGS = """\
# Settings of sales-readiness, written by `readiness init`. Edit them, then run `readiness check`.
# Lines that begin with # are off, or the default. Paths are relative to this file; times are UTC.

seed = 7                    # the same data, settings and seed give the same scores
# unit = "account"          # what is scored: "lead", or each account (docs/accounts.md)
rules = "rules.toml"        # the points table that the model is compared with
sources = "sources.toml"    # the sources of leads, and their baskets
funnel = "funnel.toml"      # the stages of the funnel
segments = "segments.toml"  # named filters over the leads
# titles = "titles.toml"    # job titles by seniority and department, in place of the default table
# roles = "roles.toml"      # roles in the decision, in place of the default (docs/roles.md)
out = "out"                 # folder of the ledger, the reports and MLflow's artefacts

[tables]  # each a file (.parquet, .csv), a query (.sql, or "SELECT ..."), or in `database`
folder = "."                   # where the files are looked for
# encoding = "cp1252"          # of text files that are not UTF-8 (docs/tables.md)
{tables}

[time]
horizon_days = {horizon:<13}# readiness is the probability of a win within so many days{why}
first_cutoff = {first:<13}# a Monday{tenth}
cutoff_every_days = 7       # the cutoffs after it, up to the data end
test_cutoffs = {test:<13}# so many of the last mature cutoffs are for the final test only
{data_end}  # default: the latest time in the tables

[outcomes]  # of a lead that comes back after a closed deal: by its next event, or its next deal
after_lost = {after_lost:<15}# "closed": never again a lead; "open_again": from then on
after_won = {after_won:<16}# "open_again" where customers buy again{again}

[cohort]  # who of the open leads is trained on, judged and scored; the others stay in the ledger
# where = [{{ attribute = "country", is = ["DE", "AT"] }}]  # conditions as in segments.toml
# segments = []             # only leads in one of these segments
# not_segments = []         # and in none of these

[exclude]  # who is never a lead, and events that no person caused: `check` counts them
# leads = {{ email = ["*@our-company.com", "test*"] }}  # by columns of leads: staff, tests
machine_clicks = false      # true: bursts of events, as link scanners cause them, do not count
burst_events = 5            # a burst: so many events
burst_seconds = 3           # within so many seconds
machine_opens = false       # true: e-mails opened at once, by machines, do not count
opens = ["email_opened"]    # the actions that are an opening
sends = ["email_sent"]      # the actions that are the sending
opens_within_seconds = 5    # an opening so soon after the sending is a machine's

[capacity]
share = 0.1                 # share of the open leads that sales can call per cutoff
# leads = 50                # or, instead of share, their number

[routing]
by = "capacity"             # the readiest go to sales; or "value", or "hand" (docs/routing.md)
# cost_per_contact = 90     # by value: call where amount x readiness is above it
# amount = 5000             # by value: or a column of leads; default: the median of deals won
# readiness_from = 0.3      # by hand: call from this readiness on
# points_from = 50          # by hand: and from these points on
# fit_from = "B"            # only leads of this fit or better, A to C (docs/fit-and-engagement.md)
# engagement_from = 3       # only leads of this engagement or better, 1 to 3
contact_within_hours = 24   # how soon sales call, where no basket of sources.toml says it
working_days_only = true    # the hours of Saturdays and Sundays (UTC) do not count
calls_begin_at = 8          # the hours of a list made in the night count from this hour (UTC)
# exploration = 0.02        # share of the places for leads chosen at random (docs/routing.md)
# holdout = 0.1             # share held back from the list, to measure calls (docs/effect.md)

[features]
windows_days = [1, 7, 30, 90]  # features cover the last so many days, and all time
half_life_days = 14         # after so many days an event counts half, in the decayed counts
attributes = [{on}]  # columns of leads, as known when the lead was created{off}
measured_actions = []       # actions whose value is a measure (a price, a rank): its mean by window
# account = "account_id"    # a column of leads: features of what colleagues did (docs/accounts.md)
# title = "job_title"       # a column of leads: seniority and department (docs/titles.md)
leave_out_actions = []      # actions that would reveal the outcome{deciding}
leave_out = []              # names of features (readiness features lists them); * is any text
segments = []               # names of segments to use as 0/1 features

[audit]
accepted = []               # findings that are honest (docs/audit.md); * is any text

[training]
candidates = 6              # settings of the model that are tried
folds = 3                   # periods of the past on which each is tried
jobs = 2                    # how many are tried at a time
least_wins = 60             # with fewer won leads, or others, the points alone are served
learner = "trees"           # or "logistic", "average", "simplest" (docs/baselines.md)
split = {split:<20}# "random": tried out on a random share of leads, never promoted
prior_shift = false         # true: scoring follows a win rate that has changed since training
# by = "product"            # a text attribute: own models of its values (docs/by-segment.md)
# by_least_wins = 150       # of the values with so many won leads or more

[promotion]  # docs/promotion.md
metric = "average_precision"  # what the challenger must be better in
stale_after_days = 90       # a champion older than this may be replaced by an equal, if approved
realised = false            # true: decided by what both said in past nights (docs/shadow.md)

[fairness]  # docs/fairness.md
groups = []                 # columns of leads by which the list is looked at; no features by that
least_leads = 30            # values that fewer leads have are put together

[mlflow]
uri = "sqlite:///out/mlflow.db"  # where runs are tracked and models registered
experiment = "sales-readiness"   # the experiment of the runs
model = "sales-readiness"        # the name of the registered model
# artifacts = "out/mlartifacts"   # default: where the models' files are; a folder or an address

[ledger]  # where scores and decisions rest: docs/ledger.md
# url = "postgresql://user:${{LEDGER_PASSWORD}}@host/db"  # default: files in `out`
# keep_days = 730            # runs whose cutoff is so much older than the newest are deleted

[shadow]  # challengers scored beside the champion, in no list: docs/shadow.md
challengers = false         # true: the newest after the champion; or versions, such as [4, 5]
most = 2                    # at most so many a night

[movers]
thresholds = []             # readiness that a lead reaches or falls below (docs/publish.md)

[publish]  # where the newest list goes: docs/publish.md
after_score = false         # true: every readiness score publishes
# database = "postgresql://user:${{CRM_PASSWORD}}@host/db"  # a PostgreSQL, for `table`
table = "current_scores"    # the table, with or without its schema
files = []                  # CRM systems to write import files for, such as "hubspot"
# webhook = {{ url = "https://host/path", secret = "${{WEBHOOK_SECRET}}" }}  # gets the movers

[engine]
memory_gb = 4               # most memory for reading and features
# threads = 2               # default: one per core
# kind = "spark"            # default: "duckdb", which is this machine (docs/spark.md)
# spark = {{ address = "local[*]", most_leads = 200000, scores = "scores" }}  # its defaults

# [questions.expansion]  # another question about the same leads: docs/questions.md
# time.horizon_days = 90    # what it sets otherwise; all else is as above

[words]  # how reasons name actions and attributes; these are the defaults
{words}
"""
RULES = """\
# The points table, written by `readiness init`. Its points are GUESSES from the names of the
# actions: replace them by your own.
# Each rule gives points for an action: minor ones 1-2, important ones 10-20, bad signs below 0.
#   per             "occurrence" counts every time, "day" each day, "once" whether it happened
#   cap, group      optional, the most that the rule, or all rules of a group, can give
#   window_days     optional, only events of so many days before the cutoff
#   half_life_days  optional, points decay by half every so many days
# Rules on content, source, value, attributes or silence, and disqualification: docs/points.md

name = "starter"

[bands]             # a band begins at these points; below warm is cold
warm = 20
hot = 50

[groups.engagement]
cap = 40            # minor actions alone make a lead warm, never hot

"""
