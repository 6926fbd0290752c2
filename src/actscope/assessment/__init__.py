"""Does an activation preserve or destroy the geometry that deeper layers need?"""

from actscope.assessment.assess import Assessment, assess

__all__ = ["Assessment", "assess"]
