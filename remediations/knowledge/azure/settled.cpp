#include "remediations/knowledge/azure/settled.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>
#include <string>

#include "remediations/knowledge/azure/vm_in_azure.hpp"

namespace remediations::azure {

using machine::Machine;
using machine::Result;

namespace {

bool is_at_work(const VmExtension& extension) {
    constexpr std::string_view words[] = {"transitioning", "creating", "updating", "deleting"};
    return std::ranges::any_of(extension.statuses, [&](const InstanceStatus& status) {
        return std::ranges::find(words, status.word_of("ProvisioningState")) != std::end(words);
    });
}

/// What writes to the VM, to follow "because"; empty where nothing does.
Result<std::string> writer(const Machine& machine) {
    const auto& vm = machine.derived<VmInAzure>();
    if (!vm.model()) return vm.model().error();
    if (!vm.view()) return vm.view().error();
    for (const auto* state : {"Creating", "Updating", "Migrating", "Deleting"}) {
        if (boost::iequals(vm.model()->state, state)) return fmt::format("the VM is {} in Azure", vm.model()->state);
    }
    const auto& extensions = vm.view()->extensions;
    const auto found = std::ranges::find_if(extensions, is_at_work);
    if (found == extensions.end()) return std::string();
    return fmt::format("the extension {} has not ended", found->name);
}

}  // namespace

Result<void> wait_until_settled(Machine& machine, std::chrono::seconds patience,
                                const std::function<bool()>& stop_requested) {
    constexpr std::chrono::seconds between_looks{5};
    for (std::chrono::seconds waited{0};; waited += between_looks) {
        if (stop_requested()) return machine::Error::failed("it was asked to stop");
        machine.azure().look_anew();
        machine.forget_derived();
        const auto reason = writer(machine);
        if (!reason) return reason.error();
        if (reason->empty()) return {};
        if (waited >= patience || !machine.wait(between_looks)) return machine::Error::timed_out(*reason);
    }
}

}  // namespace remediations::azure
