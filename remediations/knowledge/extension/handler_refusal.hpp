#pragma once

#include <optional>
#include <string>
#include <vector>

#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/model/reason.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations {

/// The Linux guest agent's own reason why the backup extension is not ready, from config/HandlerStatus.
struct HandlerRefusal {
    enum class What {
        switched_off,  ///< the agent does not process extensions at all
        policy,        ///< a policy of this machine forbids the extension
        no_room,       ///< a file system is full
        download,      ///< its package, or the list of its packages, could not be downloaded
        no_version,    ///< Azure offers no package of the version that is wanted
        dependency,    ///< another extension, which has to come before it, failed
        command,       ///< a command of the extension failed or timed out
        other,
    };
    What what = What::other;
    std::string version;
    std::string message;          ///< the whole message of the agent
    std::vector<Reason> reasons;  ///< the codes in the message, innermost first
    Evidence evidence;            ///< the file, with the beginning of the message

    /// Returns true if the extension was never started, so that its own folder cannot be the cause.
    bool never_ran() const { return what != What::command && what != What::other; }
};

/// Returns the refusal of the newest version that is not ready; nullopt where there is none, or where the agent gave no
/// code.
std::optional<HandlerRefusal> handler_refusal(const InstalledExtension& installed);
/// Returns the refusal of one version.
std::optional<HandlerRefusal> handler_refusal(const ExtensionFolder& folder);

}  // namespace remediations
