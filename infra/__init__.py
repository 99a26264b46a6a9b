"""The infrastructure, in CDK for Terraform."""

import importlib.util
import sys

# The provider's package imports its 1,470 modules as soon as one of them is asked for, which is
# most of a synth's time. Registered without being executed it still says where each module lies.
# To be dropped when the package imports lazily by itself.
PROVIDER = "cdktf_cdktf_provider_google"
if PROVIDER not in sys.modules and (spec := importlib.util.find_spec(PROVIDER)):
    sys.modules[PROVIDER] = importlib.util.module_from_spec(spec)
