"""Where objects lie in a stage's artifacts bucket; infra grants by these names.

A name that ends with a slash is a folder.
"""

RECORD = "delivery.json"
HISTORY = "deliveries/"  # each change of a model's traffic
MODULES = "modules/"  # files of model folders, each at an address made of its content
RUNS = "pipelines/"  # what runs have made, models included
SCRATCH = "tmp/"  # Beam's; it expires
REPORTS = "reports/"  # the summary and the page of each run
PAGES = f"{REPORTS}monitoring/"  # the monitor's page of each model, and of all
RETRAININGS = f"{PAGES}retrainings/"  # what the monitor has asked for, an object a model
