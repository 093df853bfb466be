#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace remediations {

/// The logs that tell of backups. Each includes all its places and its rotated files.
enum class Log {
    agent,            ///< waagent.log; WaAppAgent.log
    agent_installer,  ///< TransparentInstaller.log of the Windows agent: its installation and start
    extension,        ///< VMSnapshotLinux's extension.log; IaaSBcdrExtension<n>.log
    extension_shell,  ///< shell.log of VMSnapshotLinux
    commands,         ///< CommandExecution.log: the commands that the agent ran, with their output
    kernel,           ///< the ring buffer, and kern.log, messages or syslog
    audit,            ///< audit.log: SELinux, AppArmor and fapolicyd
};

/// A text in a log: it finds the lines that contain it. All patterns are searched in one pass.
struct LogPattern {
    Log log;
    std::string text;

    friend bool operator==(const LogPattern&, const LogPattern&) = default;
};

/// Events of a Windows event log, by fields that are the same in every display language. All patterns are searched in
/// one pass.
struct EventPattern {
    std::string channel;             ///< "System", "Application"
    std::string provider;            ///< "Service Control Manager"; compares without case
    std::vector<std::uint32_t> ids;  ///< as the Event Viewer shows them

    friend bool operator==(const EventPattern&, const EventPattern&) = default;
};

/// What a signal means for its cause.
enum class Role {
    judged,  ///< diagnose asks LogEvidence or EventEvidence for it, and judges it
    /// It proves the cause by itself where diagnose could not look at the machine. Where diagnose looked and found the
    /// machine healthy, it is history.
    proof,
};

/// What software writes where it meets a cause: a line of a log, a Windows event, or the result of a backup run. One of
/// `line`, `event` and `results` is set.
struct Signal {
    Role role;
    LogPattern line = {};           ///< as the agent or the extension prints it
    EventPattern event = {};        ///< any of them
    std::vector<int> results = {};  ///< any of them, as the Linux extension numbers the results of its runs
    /// For an event: the key name of the service that the event concerns (service_of).
    std::string service = {};
    /// Further texts; the line or event has all of them. In an event they are compared without case and as whole words.
    std::vector<std::string> with = {};
    std::vector<std::string> without = {};  ///< further texts; the line or event has none of them
    /// Texts of the same log. Once one of them follows, the line proves nothing any more.
    std::vector<std::string> revoked_by = {};
    /// True if no line says when the problem is over, or if the line has other causes too. Then it is not reported as
    /// history where the machine is healthy. Events are never history: diagnose judges the events that it asks for.
    bool heals_unsaid = false;

    bool is_line() const { return !line.text.empty(); }
    bool is_event() const { return !event.channel.empty(); }
    /// Returns true if the text has all of `with` and none of `without`, compared without case.
    bool has_further_texts(std::string_view text) const;
};

Signal judged(LogPattern line);
Signal judged(Log log, std::string text);
Signal judged(EventPattern event);
std::vector<Signal> all_judged(const std::vector<LogPattern>& lines);
std::vector<Signal> all_judged(const std::vector<EventPattern>& events);
Signal proof(Log log, std::string text);
Signal proof(EventPattern event);

/// Returns one list of all.
std::vector<Signal> joined(const std::vector<std::vector<Signal>>& lists);

}  // namespace remediations
