"""The canonical ABI: size, alignment, flattening, lowering and lifting of component values; pure."""

from wasicheck.abi.errors import AbiError
from wasicheck.abi.flatten import (
    MAX_FLAT_ASYNC_PARAMS,
    MAX_FLAT_PARAMS,
    MAX_FLAT_RESULTS,
    CoreSignature,
    CoreType,
    LiftForm,
    flatten_type,
    flatten_types,
    join,
    lift_signature,
    lower_signature,
    task_return_signature,
)
from wasicheck.abi.image import Image
from wasicheck.abi.layout import (
    RecordLike,
    VariantLike,
    align_to,
    alignment,
    cases_of,
    despecialize,
    discriminant_size,
    discriminant_type,
    elem_size,
    field_offsets,
    fields_of,
    flags_size,
    payload_offset,
)
from wasicheck.abi.lift import CoreValue, lift_flat, load
from wasicheck.abi.lower import lower_flat, store
from wasicheck.abi.memory import Allocator, Memory, Segments

__all__ = [
    "MAX_FLAT_ASYNC_PARAMS",
    "MAX_FLAT_PARAMS",
    "MAX_FLAT_RESULTS",
    "AbiError",
    "Allocator",
    "CoreSignature",
    "CoreType",
    "CoreValue",
    "Image",
    "LiftForm",
    "Memory",
    "RecordLike",
    "Segments",
    "VariantLike",
    "align_to",
    "alignment",
    "cases_of",
    "despecialize",
    "discriminant_size",
    "discriminant_type",
    "elem_size",
    "field_offsets",
    "fields_of",
    "flags_size",
    "flatten_type",
    "flatten_types",
    "join",
    "lift_flat",
    "lift_signature",
    "load",
    "lower_flat",
    "lower_signature",
    "payload_offset",
    "store",
    "task_return_signature",
]
