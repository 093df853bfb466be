#pragma once

#include <optional>
#include <string>
#include <vector>

#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/model/reason.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations {

/// Why the Linux guest agent itself says that the backup extension is not ready, by config/HandlerStatus.
struct HandlerRefusal {
    enum class What {
        switched_off,  ///< extensions are not processed at all
        policy,        ///< a policy of this machine forbids it
        no_room,       ///< a file system is full
        download,      ///< its package or the list of its packages could not be fetched
        command,       ///< a command of the extension ended with an error, or not in time
        other,
    };
    What what = What::other;
    std::string version;
    std::string message;          ///< whole, as the agent wrote it
    std::vector<Reason> reasons;  ///< of the message, the innermost first
    Evidence evidence;            ///< the file, with the begin of the message

    /// The extension was never run, so that nothing of its own folder is to blame.
    bool never_ran() const { return what != What::command && what != What::other; }
};

/// Of the newest version that is not ready; nullopt where none is, or the agent gave no code.
std::optional<HandlerRefusal> handler_refusal(const InstalledExtension& installed);
/// The same of one version.
std::optional<HandlerRefusal> handler_refusal(const ExtensionFolder& folder);

}  // namespace remediations
