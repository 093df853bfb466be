// /proc/self/mountinfo: who may mount chooses sources, targets and options.
#include "remediations/machine/linux/mounts_linux.hpp"
#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto mounts = machine::local::parse_mountinfo(fuzz::text_of(data, size));
    if (!mounts) return 0;
    for (const auto& mount : *mounts) fuzz::require(mount.target.starts_with('/') && !mount.root.empty());
    return 0;
}
