"""readiness.toml and rules.toml as they are written, every key explained; {...} is guessed."""

SETTINGS = """\
# Settings of sales-readiness, written by `readiness init`. Edit them, then run `readiness check`.
# What stands behind a # is off, or the default. Paths are relative to this file; times are UTC.

seed = 7                    # the same data, settings and seed give the same scores
rules = "rules.toml"        # the points table that the model is held against
sources = "sources.toml"    # the sources of leads, and their baskets
funnel = "funnel.toml"      # the stages of the funnel
segments = "segments.toml"  # named filters over the leads
out = "out"                 # folder of the ledger, the reports and MLflow's artefacts

[tables]  # each a file (.parquet, .csv), a query (.sql, or "SELECT ..."), or in `database`
folder = "."                   # where the files are looked for
{tables}

[time]
horizon_days = {horizon:<13}# readiness is the chance of a win within so many days{why}
first_cutoff = {first:<13}# a Monday, with a tenth of the events before it
cutoff_every_days = 7       # the cutoffs after it, up to the data end
test_cutoffs = {test:<13}# so many of the last mature cutoffs are kept for the final test
# data_end = {data_end}  # default: the latest time in the tables

[capacity]
share = 0.1                 # the part of the open leads that sales can call per cutoff
# leads = 50                # or, instead of share, their number

[routing]
by = "capacity"             # to sales go the readiest; or "value", or "hand" (docs/routing.md)
# cost_per_contact = 90     # by value: call where amount x readiness is above it
# amount = 5000             # by value: or a column of leads; default: the median of deals won
# readiness_from = 0.3      # by hand: call from this readiness on
# points_from = 50          # by hand: and from these points on
contact_within_hours = 24   # by when sales call, where no basket of sources.toml says it
working_days_only = true    # the hours of Saturdays and Sundays (UTC) do not count
# exploration = 0.02        # so many of the places go to leads drawn by lot (docs/routing.md)

[features]
windows_days = [1, 7, 30, 90]  # features look so many days back, and at all time
half_life_days = 14         # after so many days a deed counts half, in the fading counts
attributes = [{on}]  # columns of leads, as known when the lead was created{off}
leave_out_actions = []      # deciding actions, which would tell the outcome{deciding}
segments = []               # names of segments that the model gets as 0/1 features

[audit]
accepted = []               # what the audit found and is honest, by its codes (docs/audit.md)

[training]
candidates = 6              # settings of the model that are tried
folds = 3                   # periods of the past on which each is tried
jobs = 2                    # how many are tried at a time
least_wins = 60             # won leads, below which the points alone are served
learner = "simplest"        # that does as well; or "trees", or "logistic" (docs/baselines.md)
prior_shift = false         # true: scoring follows a win rate that has moved since the training

[promotion]  # docs/promotion.md
metric = "average_precision"  # what the challenger must be better in
stale_after_days = 90       # a champion so far behind may go for an equal, if approved

[mlflow]
uri = "sqlite:///out/mlflow.db"  # where runs are tracked and models registered
experiment = "sales-readiness"   # the experiment that holds the runs
model = "sales-readiness"        # the name of the registered model

[engine]
memory_gb = 4               # the most memory that reading and features may take
# threads = 2               # default: one per core
# kind = "spark"            # default: "duckdb", which is this machine (docs/spark.md)
# spark = {{ address = "local[*]", most_leads = 200000, scores = "scores" }}  # its defaults

[words]  # how reasons name actions and attributes; these are the defaults
{words}
"""
RULES = """\
# The points table, written by `readiness init`. Its points are GUESSES from the names of the
# actions: whoever owns the points in your house should put their own here.
# Each rule gives points for an action: minor deeds 1-2, important ones 10-20, bad signs below 0.
#   per             "occurrence" counts every time, "day" each day, "once" whether it happened
#   cap, group      optional, the most that the rule, or all rules of a group, can give
#   window_days     optional, only deeds of so many days before the cutoff
#   half_life_days  optional, points fade by half every so many days
# Also on content, source, value, attributes, silence; and who is disqualified: docs/points.md

name = "starter"

[bands]             # a band begins at these points; below warm is cold
warm = 20
hot = 50

[groups.engagement]
cap = 40            # minor deeds alone make a lead warm, never hot

"""
