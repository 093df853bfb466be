#include "remediations/knowledge/snapshot/script_framework.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "remediations/formats/python_configuration.hpp"
#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/knowledge/configuration/vmbackup_configuration.hpp"
#include "remediations/knowledge/snapshot/freeze_failures.hpp"

namespace remediations {

using machine::ErrorKind;
using machine::Result;

namespace json = boost::json;

namespace {

constexpr auto own_host_file = "/etc/azure/VMSnapshotPluginHost.conf";
constexpr auto host_section = "pre_post";
constexpr double longest_timeout = 1800;

constexpr int host_not_understood = 304;
constexpr int scripts_not_understood = 305;
constexpr int host_permissions = 314;

std::size_t line_of(std::string_view text, std::size_t offset) {
    return static_cast<std::size_t>(std::count(
               text.begin(), text.begin() + static_cast<std::ptrdiff_t>(std::min(offset, text.size())), '\n')) +
           1;
}

/// Returns a member that should be a boolean. Python takes any other value as true unless it is empty.
bool truth_of(const json::object& object, const char* name, bool otherwise, const std::string& file,
              std::vector<Evidence>& oddities) {
    const auto* value = object.if_contains(name);
    if (value == nullptr) return otherwise;
    if (value->is_bool()) return value->as_bool();
    oddities.push_back(
        {file, fmt::format("\"{}\": {}", name, json::serialize(*value)), "true or false, without quotes"});
    if (value->is_string()) return !value->as_string().empty();
    if (value->is_number()) return value->to_number<double>() != 0;
    if (value->is_null()) return false;
    return value->is_array() ? !value->as_array().empty() : !value->as_object().empty();
}

ParsedScripts faulty(int code, std::string where, std::string seen, std::string expected) {
    return {std::nullopt, ScriptFault{code, {std::move(where), std::move(seen), std::move(expected)}}};
}

/// Returns the file of the newest installed extension.
Result<machine::Path> host_file_of_extension(const machine::Machine& machine) {
    const auto installed = installed_backup_extension(machine);
    if (!installed) return installed.error();
    if (installed->folders.empty()) return machine::Path();
    return installed->folders.back().path + "/main/VMSnapshotPluginHost.conf";
}

void judge_permissions(PluginHost& host) {
    const auto digits = mode_digits(host.status.mode);
    const auto is_allowed = [](char digit) { return digit == '0' || digit == '4'; };
    if (!is_allowed(digits[1]) || !is_allowed(digits[2])) {
        host.faults.push_back({host_permissions, {host.file, "mode " + digits, "600 or 644"}});
    }
    if (host.status.uid != 0) {
        host.faults.push_back(
            {host_permissions, {host.file, fmt::format("owner {}", host.status.uid), "owner root (0)"}});
    }
}

void judge_content(PluginHost& host, const std::string& bytes) {
    const auto add = [&](std::string where, std::string seen, std::string expected) {
        host.faults.push_back({host_not_understood, {std::move(where), std::move(seen), std::move(expected)}});
    };
    const auto encoding = examine_encoding(bytes);
    if (encoding.fault != TextEncoding::Fault::none) {
        return add(host.file, std::string(to_string(encoding.fault)), "plain ASCII text");
    }
    const PythonConfiguration parsed(bytes);
    if (!parsed.problems().empty()) {
        const auto& problem = parsed.problems().front();
        return add(fmt::format("{}:{}", host.file, problem.line), problem.text, "[section] once, key = value once");
    }
    const auto count = parsed.get(host_section, "numberOfPlugins");
    const auto timeout = parsed.get(host_section, "timeoutInSeconds");
    if (timeout && !python_integer(*timeout)) add(host.file, "timeoutInSeconds: " + *timeout, "a whole number");
    if (count && !python_integer(*count)) return add(host.file, "numberOfPlugins: " + *count, "a whole number");
    if (!count || *python_integer(*count) < 1) return;
    for (const auto* key : {"pluginName0", "pluginPath0", "pluginConfigPath0"}) {
        if (!parsed.get(host_section, key)) {
            add(host.file, fmt::format("no {}", key), fmt::format("{} in [{}]", key, host_section));
        }
    }
    if (const auto path = parsed.get(host_section, "pluginConfigPath0")) host.script_configuration = *path;
}

}  // namespace

std::string mode_digits(std::uint32_t mode) {
    return fmt::format("{:03o}", mode & 0777U);
}

ParsedScripts parse_script_configuration(const machine::Path& file, const std::string& text) {
    if (const auto encoding = examine_encoding(text); encoding.fault != TextEncoding::Fault::none) {
        return faulty(scripts_not_understood, file, std::string(to_string(encoding.fault)), "plain JSON text");
    }
    json::stream_parser parser;
    json::error_code error;
    const auto read = parser.write_some(text, error);
    if (!error && read == text.size()) parser.finish(error);
    if (error || read != text.size() || !parser.done()) {
        const auto line = line_of(text, read);
        const auto lines = python_lines(text);
        return faulty(scripts_not_understood, fmt::format("{}:{}", file, line),
                      line <= lines.size() ? fmt::format("\"{:.200}\"", lines[line - 1]) : "the end of the file",
                      fmt::format("valid JSON ({})", error ? error.message() : std::string("nothing behind its end")));
    }
    const auto value = parser.release();
    if (!value.is_object()) {
        return faulty(host_not_understood, file, "no JSON object", "{ \"preScriptLocation\": ... }");
    }
    const auto& object = value.as_object();
    ScriptConfiguration configuration;
    for (const auto& [name, target] : {std::pair{"preScriptLocation", &configuration.pre_script},
                                       std::pair{"postScriptLocation", &configuration.post_script}}) {
        const auto* location = object.if_contains(name);
        if (location == nullptr) {
            return faulty(scripts_not_understood, file, fmt::format("no \"{}\"", name), "both script paths");
        }
        if (!location->is_string()) {
            return faulty(host_not_understood, file, fmt::format("\"{}\": {}", name, json::serialize(*location)),
                          "a path in quotes");
        }
        *target = location->as_string();
    }
    if (const auto* timeout = object.if_contains("timeoutInSeconds")) {
        if (!timeout->is_number()) {
            return faulty(host_not_understood, file, "\"timeoutInSeconds\": " + json::serialize(*timeout),
                          "a number without quotes");
        }
        configuration.timeout_seconds = std::min(timeout->to_number<double>(), longest_timeout);
    }
    if (const auto* name = object.if_contains("pluginName"); name && name->is_string()) {
        configuration.plugin_name = name->as_string();
    }
    configuration.continues_on_failure =
        truth_of(object, "continueBackupOnFailure", true, file, configuration.oddities);
    configuration.freezes = truth_of(object, "fsFreezeEnabled", true, file, configuration.oddities);
    return {std::move(configuration), std::nullopt};
}

Result<PluginHost> read_plugin_host(const machine::Machine& machine) {
    PluginHost host;
    host.script_configuration = usual_script_configuration;
    auto status = machine.files().status(own_host_file);
    if (status) {
        host.file = own_host_file;
        host.is_own_of_machine = true;
    } else {
        if (status.error().kind != ErrorKind::not_found) return status.error();
        const auto file = host_file_of_extension(machine);
        if (!file) return file.error();
        if (file->empty()) return host;
        status = machine.files().status(*file);
        if (!status && status.error().kind == ErrorKind::not_found) return host;
        if (!status) return status.error();
        host.file = *file;
    }
    host.status = *status;
    const auto bytes = machine.files().read(host.file);
    if (!bytes) return bytes.error();
    judge_permissions(host);
    judge_content(host, *bytes);
    return host;
}

Result<ParsedScripts> read_scripts(const machine::Machine& machine, const machine::Path& file) {
    const auto text = machine.files().read(file);
    if (!text) return text.error();
    return parse_script_configuration(file, *text);
}

Finding weighed_as_script_fault(Finding finding, const std::optional<ScriptConfiguration>& configuration,
                                const machine::Machine& machine) {
    const auto* failed = last_failed_backup(machine);
    const bool was_reported = failed && failed->result && *failed->result >= 300 && *failed->result <= 318;
    const bool fails_backups = configuration && (!configuration->continues_on_failure || !configuration->freezes);
    return was_reported || fails_backups ? finding : std::move(finding).as_risk();
}

}  // namespace remediations
