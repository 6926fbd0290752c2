"""What an activation costs at equal accuracy, and what it costs by itself."""

from actscope.costs.cost import Cost as Cost
from actscope.costs.cost import cost as cost
from actscope.costs.elementwise import elementwise as elementwise
from actscope.costs.model import swaps as swaps

__all__ = ["Cost", "cost", "elementwise", "swaps"]
