//! Claims of volumes.

use super::{
    super::{fault::Fault, quantity::Quantity},
    selectors,
    spot::Spot,
};

/// Checks the specification of a PersistentVolumeClaim, alone or in a StatefulSet.
pub(super) fn check(spec: &Spot<'_, '_>, faults: &mut Vec<Fault>) {
    if spec.field("accessModes").is_some_and(|modes| modes.value.as_array().is_some_and(Vec::is_empty)) {
        spec.refuse_field(faults, "accessModes", "at least one mode is wanted", "write `[ReadWriteOnce]` for example");
    }
    if let Some(modes) = spec.field("accessModes")
        && spec.count("accessModes") > 1
        && modes.items().any(|mode| mode.as_text() == Some("ReadWriteOncePod"))
    {
        modes.refuse(faults, "`ReadWriteOncePod` excludes other modes", "keep one of them");
    }
    if let Some(resources) = spec.field("resources")
        && let Some(requests) = resources.field("requests")
        && let Some(storage) = requests.field("storage")
        && Quantity::of(storage.value).is_ok_and(|size| size <= Quantity::ZERO)
    {
        storage.out_of_range(faults, "is no size of a volume", "write how large it shall be, `1Gi` for example");
    }
    if spec.text("storageClassName").is_some_and(|name| !name.is_empty()) {
        spec.object_name(faults, "storageClassName");
    }
    spec.object_name(faults, "volumeAttributesClassName");
    selectors::field(spec, "selector", faults);
}
