#include "remediations/knowledge/reasons/rows.hpp"

namespace remediations {

// Named, because tables are compiled several files at a time.
namespace product_codes {

constexpr auto extension_log = "extension.log of that run: the lines before the first failure, not the last.";
constexpr auto script_log = "The script's own log; its exit code is in extension.log.";
constexpr auto script_rights = "Owner root; mode 700 of scripts, 600 of VMSnapshotScriptPluginConfig.json.";
constexpr auto plugin_host = "main/VMSnapshotPluginHost.conf of the extension; have Azure install it again.";
constexpr auto database = "/etc/azure/workload.conf and the database's own log.";
constexpr auto host = "Back up again; if it stays, open a support request with the time: the host is at fault.";
constexpr auto handler_message = "The handler's message and the extension's log folder in /var/log/azure.";
constexpr auto manifest =
    "HandlerManifest.json in the extension's folder; if it is gone, move the folder away while nothing of it runs.";
constexpr auto download = "The message: HTTP status or errno of both channels; 168.63.129.16:32526 and storage:443.";

/// Names of ExtensionErrorCodeHelper.py. error_codes.cpp has their meanings.
constexpr ReasonRow extension[] = {
    {0, "success_appconsistent"},
    {1, "success"},
    {2, "error", "", "Any exception, and inconsistent snapshots; on the guest's path all failures of 2025 and later.",
     extension_log},
    {3, "SuccessAlreadyProcessedInput"},
    {4, "ExtensionTempTerminalState", "", "Left over where a run broke off: its process was killed.", extension_log},
    {11, "error_parameter", "", "", "az vm reapply, so that the settings are sent again."},
    {12, "error_12", "", "", extension_log},
    {13, "error_wrong_time", "", "", "timedatectl."},
    {14, "error_same_taskid"},
    {15, "error_http_failure", "", "", extension_log},
    {16, "FailedHandlerGuestAgentCertificateNotFound", "", "",
     "Certificates (.crt, .prv) in /var/lib/waagent; openssl version; restart the agent."},
    {17, "FailedInvalidDataDiskLunList", "", "", "The disk list of the protected item: resetexclusionsettings."},
    {76, "FailedRetryableSnapshotFailedNoNetwork", "", "",
     "hostStatusCodeDoSnapshot and the line of each disk in extension.log say what really failed."},
    {85, "FailedSnapshotLimitReached", "", "", "Snapshots of the disks; other products that take them."},
    {121, "FailedRetryableFsFreezeFailed", "", "", "'Failed to FIFREEZE: MOUNT with error message' in extension.log."},
    {122, "FailedRetryableFsFreezeTimeout", "", "",
     "Load of the disks at that time; whether safefreeze can run at all."},
    {123, "FailedRetryableUnableToOpenMount", "", "", "'Failed to open: MOUNT' in extension.log; findmnt of it."},
    {124, "FailedSafeFreezeBinaryNotFound", "", "",
     "main/safefreeze/bin/safefreeze of the extension: there, executable."},
    {173, "FailedRetryableSnapshotRateExceeded", "", "", "Schedules of other products that take snapshots."},
    {300, "FailedPrepostPreScriptFailed", "", "", script_log},
    {301, "FailedPrepostPostScriptFailed", "", "", script_log},
    {302, "FailedPrepostPreScriptNotFound", "", "",
     "preScriptLocation in /etc/azure/VMSnapshotScriptPluginConfig.json."},
    {303, "FailedPrepostPostScriptNotFound", "", "",
     "postScriptLocation in /etc/azure/VMSnapshotScriptPluginConfig.json."},
    {304, "FailedPrepostPluginhostConfigParsing", "", "", plugin_host},
    {305, "FailedPrepostPluginConfigParsing", "", "", "JSON syntax of /etc/azure/VMSnapshotScriptPluginConfig.json."},
    {306, "FailedPrepostPreScriptPermissionError", "", "", script_rights},
    {307, "FailedPrepostPostScriptPermissionError", "", "", script_rights},
    {308, "FailedPrepostPreScriptTimeout", "", "", script_log},
    {309, "FailedPrepostPostScriptTimeout", "", "", script_log},
    {310, "FailedPrepostPluginhostPreTimeout", "", "", script_log},
    {311, "FailedPrepostPluginhostPostTimeout", "", "", script_log},
    {312, "FailedPrepostCheckSumMismatch"},
    {313, "FailedPrepostPluginhostConfigNotFound", "", "", plugin_host},
    {314, "FailedPrepostPluginhostConfigPermissionError", "", "", plugin_host},
    {315, "FailedPrepostPluginhostConfigOwnershipError", "", "", plugin_host},
    {316, "FailedPrepostPluginConfigNotFound"},
    {317, "FailedPrepostPluginConfigPermissionError", "", "", script_rights},
    {318, "FailedPrepostPluginConfigOwnershipError", "", "", script_rights},
    {402, "FailedGuestAgentInvokedCommandTooLate", "", "",
     "waagent.log: what the agent did in the hours before; the clock."},
    {500, "FailedWorkloadPreError", "", "", database},
    {501, "FailedWorkloadConfParsingError", "", "", database},
    {502, "FailedWorkloadInvalidRole", "", "", database},
    {503, "FailedWorkloadInvalidWorkloadName", "", "", database},
    {504, "FailedWorkloadPostError", "", "", database},
    {505, "FailedWorkloadAuthorizationMissing", "", "", database},
    {506, "FailedWorkloadConnectionError", "", "", database},
    {507, "FailedWorkloadIPCDirectoryMissing", "", "", database},
    {508, "FailedWorkloadDatabaseStatusChanged", "", "", database},
    {509, "FailedWorkloadQuiescingError", "", "", database},
    {510, "FailedWorkloadQuiescingTimeout", "", "", database},
    {511, "FailedWorkloadDatabaseInNoArchiveLog", "", "", database},
    {512, "FailedWorkloadLogModeChanged", "", "", database},
    {555, "", "", "", "168.63.129.16 on port 80 from the VM, as root."},
    {556, "FailedHostSnapshotRemoteServerError", "", "", host},
    {557, "", "", "", host},
    {558, "", "", "", extension_log},
    {761, "FailedRetryableSnapshotFailedRestrictedNetwork", "", "",
     "The line of each disk in extension.log: which failed, and with what answer."},
};

/// Names of ExtensionErrorCodes in the agent's exception.py.
constexpr ReasonRow agent[] = {
    {1000, "PluginProcessingError", "The agent could not handle the extension.", "", handler_message},
    {1001, "PluginManifestDownloadError", "", "", download},
    {1002, "PluginHandlerManifestNotFound", "", "", manifest},
    {1003, "PluginHandlerManifestDeserializationError", "", "", manifest},
    {1004, "PluginPackageDownloadFailed", "", "", download},
    {1005, "PluginPackageExtractionFailed", "", "", "df -h and df -i of /var/lib/waagent; delete the zip file there."},
    {1007, "PluginInstallProcessingFailed", "", "", handler_message},
    {1008, "PluginUpdateProcessingFailed", "", "", handler_message},
    {1009, "PluginEnableProcessingFailed", "",
     "The agent also uses it where it refuses an extension: policy, extensions switched off, a failed download.",
     handler_message},
    {1010, "PluginDisableProcessingFailed", "", "", handler_message},
    {1011, "PluginHandlerScriptTimedout", "", "", handler_message},
    {1012, "PluginSettingsStatusInvalid", "", "", "Free space; the status folder of the extension."},
    {2001, "GoalStateUnsupportedRequiredFeatures", "The platform asks for features that this agent does not have.",
     "The agent is too old.", "Update the agent."},
};

}  // namespace product_codes

std::span<const ReasonRow> extension_rows() {
    return product_codes::extension;
}

std::span<const ReasonRow> agent_rows() {
    return product_codes::agent;
}

}  // namespace remediations
