#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// waagent.conf as the Linux guest agent reads it (azurelinuxagent/common/conf.py): key=value, split at the first '=';
/// a line is a comment only with '#' in column 1; the value ends at '#'; quotes and blanks around it are removed; the
/// last line of a key is in effect; keys are case-sensitive; the value None means unset.
class AgentConfiguration {
public:
    struct Line {
        std::size_t number = 0;  ///< from 1
        std::string key;
        std::string value;
        std::string text;  ///< the whole line, without its end
    };

    /// Reads the file that the running agent was started with (-configuration-path), else /etc/waagent.conf, else Clear
    /// Linux's /usr/share/defaults/waagent/waagent.conf, else Flatcar's /usr/share/oem/waagent.conf.
    /// ErrorKind::not_found where there is none.
    static machine::Result<AgentConfiguration> read(const machine::Machine& machine);
    /// Returns the same, read once for all diagnoses (Machine::derived). A fix, which changes it, reads it again.
    static const machine::Result<AgentConfiguration>& of(const machine::Machine& machine);
    static AgentConfiguration parse(machine::Path path, std::string text);

    const machine::Path& path() const { return path_; }

    bool is_empty() const { return text_.empty(); }

    /// Returns every line with a key, in order.
    std::vector<Line> lines() const;

    /// Returns every line that sets `key`; the last one is in effect.
    std::vector<Line> lines_of(std::string_view key) const;

    /// Returns the value of a switch: y or n in any case. Returns `otherwise` for any other word, for None, and where
    /// the key is absent.
    bool is_on(std::string_view key, bool otherwise) const;

    /// Returns the value as text. Returns `otherwise` for None and where the key is absent.
    std::string text_of(std::string_view key, const std::string& otherwise) const;

    /// Returns the file's text with the value of every line of `key` replaced. Everything else, such as comments, order
    /// and line ends, stays the same.
    std::string with_value(std::string_view key, std::string_view value) const;

    /// Returns the same, but adds a line at the end where no line sets `key`.
    std::string with_setting(std::string_view key, std::string_view value) const;

    /// Returns the file's text without comments after values; lines that are comments stay. Agents before 2.2.19 take
    /// such a comment as part of the value.
    std::string without_trailing_comments() const;

private:
    AgentConfiguration(machine::Path path, std::string text) : path_(std::move(path)), text_(std::move(text)) {}

    machine::Path path_;
    std::string text_;
};

/// Returns the folder in which the Linux guest agent keeps extensions and certificates: Lib.Dir, or /var/lib/waagent.
machine::Path agent_library_folder(const machine::Machine& machine);

}  // namespace remediations
