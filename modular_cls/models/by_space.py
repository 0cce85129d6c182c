"""One tensor for each joint space: buffers of a module, found by the space's name."""

from collections.abc import Iterator, Mapping

from torch import Tensor, nn


class BySpace(Mapping[str, Tensor]):
    """Buffers of a module by joint space.

    They move and are saved with the module, as `NAME_0`, `NAME_1`, ... in the order of the spaces:
    a space's own name may hold what no buffer's name may.

    Args:
        module: Whose buffers they become.
        name: What they are called.
        tensors: One for each joint space, in the schema's order.

    Example:
        >>> import torch
        >>> module = torch.nn.Module()
        >>> prior = BySpace(module, "prior", {"hair.gender": torch.ones(4)})
        >>> prior["hair.gender"] is module.prior_0
        True
    """

    def __init__(self, module: nn.Module, name: str, tensors: Mapping[str, Tensor]) -> None:
        self.module = module
        self.names = {space: f"{name}_{i}" for i, space in enumerate(tensors)}
        for space, tensor in tensors.items():
            module.register_buffer(self.names[space], tensor)

    def __getitem__(self, space: str) -> Tensor:
        return self.module.get_buffer(self.names[space])

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)
