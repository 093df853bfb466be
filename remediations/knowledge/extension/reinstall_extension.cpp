#include "remediations/knowledge/extension/reinstall_extension.hpp"

#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/knowledge/extension/provider_flags_of_extension.hpp"

namespace remediations {

machine::Result<void> reinstall_backup_extension(Changes& changes) {
    // An agent whose command still ran can have created half of the folder again: look twice.
    for (int look = 0; look < 2; ++look) {
        const auto installed = installed_backup_extension(changes.machine());
        if (!installed) return installed.error();
        for (const auto& folder : installed->folders) {
            if (auto moved = changes.quarantine(folder.path); !moved) return moved;
        }
        for (const auto& package : installed->packages) {
            if (auto moved = changes.quarantine(package); !moved) return moved;
        }
        for (const auto& key : installed->state_keys) {
            if (auto removed = changes.remove_registry_key(key); !removed) return removed;
        }
        if (changes.is_plan()) break;
    }
    // The provider's library lay in the folder: what says that it is installed is not true any more.
    const bool is_windows = changes.machine().facts().platform == machine::Platform::windows;
    return is_windows ? clear_provider_flags(changes) : machine::Result<void>();
}

}  // namespace remediations
