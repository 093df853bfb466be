#include "handler/agent/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/json.hpp>
#include <charconv>

#include "handler/agent/blob_upload.hpp"
#include "handler/report/paths.hpp"
#include "handler/report/plain_text.hpp"
#include "remediations/engine/catalogue.hpp"
#include "remediations/formats/base64.hpp"
#include "remediations/formats/json.hpp"
#include "remediations/machine/local/durable_file.hpp"
#include "remediations/machine/utf8.hpp"

namespace handler {

using machine::ErrorKind;
using machine::Result;
using remediations::Disruption;
using remediations::RunMode;
namespace json = boost::json;

namespace {

constexpr std::size_t settings_limit = std::size_t{1} << 20;
constexpr std::size_t error_code_limit = 128;
constexpr std::size_t path_limit = 259;  ///< of Windows Installer
constexpr std::size_t quoted_characters = 60;

/// A place in the settings, and the list that gets its problems.
struct Place {
    std::string path;
    bool secret = false;  ///< true if nothing of this place may be quoted
    std::vector<std::string>& problems;

    Place at(const std::string& key) const { return {path + "." + key, secret, problems}; }
    Place at(std::size_t index) const { return {fmt::format("{}[{}]", path, index), secret, problems}; }

    void problem(std::string_view what) const { problems.push_back(fmt::format("{}: {}", path, what)); }
    /// `what` follows the quoted text, or "the value" where the text is secret.
    void problem_with(std::string_view text, std::string_view what, std::string_view hint = {}) const {
        if (secret) return problem(fmt::format("the value {}", what));
        problem(
            fmt::format("\"{}\" {}{}", visible(shortened(machine::valid_utf8(text), quoted_characters)), what, hint));
    }
    void wrong_type(const json::value& value, std::string_view expected) const {
        problem(fmt::format("expected {}, found {}", expected, remediations::type_name(value)));
    }
};

std::optional<std::string> text_at(const json::value& value, const Place& place) {
    if (value.is_string()) return std::string(value.get_string());
    place.wrong_type(value, "string");
    return std::nullopt;
}

void read_mode(const json::value& value, const Place& place, Settings& settings) {
    const auto word = text_at(value, place);
    if (!word) return;
    if (*word == "diagnose") {
        settings.mode = RunMode::diagnose;
    } else if (*word == "fix") {
        settings.mode = RunMode::fix;
    } else {
        place.problem_with(*word, "is no mode; expected \"diagnose\" or \"fix\"");
    }
}

void read_error_code(const json::value& value, const Place& place, Settings& settings) {
    const auto code = text_at(value, place);
    if (!code) return;
    const auto in_code = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '-' ||
               c == '.';
    };
    if (code->size() > error_code_limit || !std::ranges::all_of(*code, in_code)) {
        place.problem_with(
            *code, fmt::format("is no error code; expected at most {} letters, digits, and _ - .", error_code_limit));
        return;
    }
    settings.error_code = *code;
}

std::vector<std::string> read_ids(const json::value& value, const Place& place) {
    std::vector<std::string> ids;
    if (!value.is_array()) {
        place.wrong_type(value, "array");
        return ids;
    }
    std::vector<std::string> known;
    for (const auto* remediation : remediations::catalogue()) known.push_back(remediation->id);
    std::size_t index = 0;
    for (const auto& element : value.get_array()) {
        const auto here = place.at(index++);
        const auto id = text_at(element, here);
        if (!id) continue;
        if (!remediations::find_remediation(*id)) {
            here.problem_with(*id, "is no remediation", did_you_mean(*id, known));
        } else if (std::ranges::find(ids, *id) != ids.end()) {
            here.problem_with(*id, "is listed twice");
        } else {
            ids.push_back(*id);
        }
    }
    return ids;
}

void read_only(const json::value& value, const Place& place, Settings& settings) {
    settings.only = read_ids(value, place);
}

void read_exclude(const json::value& value, const Place& place, Settings& settings) {
    settings.exclude = read_ids(value, place);
}

void read_max_disruption(const json::value& value, const Place& place, Settings& settings) {
    const auto word = text_at(value, place);
    if (!word) return;
    try {
        settings.max_disruption = remediations::parse_disruption(*word);
    } catch (const std::invalid_argument&) {
        place.problem_with(*word, fmt::format("is no disruption; expected \"{}\", \"{}\", \"{}\" or \"{}\"",
                                              to_string(Disruption::none), to_string(Disruption::agent_restart),
                                              to_string(Disruption::service_restart), to_string(Disruption::workload)));
    }
}

/// Reads the path only. When it is needed, the file is checked: that it exists, and that nobody else can write to it.
void read_agent_installer(const json::value& value, const Place& place, Settings& settings) {
    const auto path = text_at(value, place);
    if (!path) return;
    const auto is_letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); };
    const bool is_local = path->size() > 3 && path->size() <= path_limit && is_letter((*path)[0]) &&
                          (*path)[1] == ':' && (*path)[2] == '\\' &&
                          path->find_first_of("\"<>|?*/", 2) == std::string::npos;
    if (!is_local || !boost::iends_with(*path, ".msi")) {
        place.problem_with(*path, R"(is no full path of an MSI on this VM, such as "C:\Install\agent.msi")");
        return;
    }
    settings.agent_installer = *path;
}

template <bool Settings::*setting>
void read_switch(const json::value& value, const Place& place, Settings& settings) {
    if (!value.is_bool()) return place.wrong_type(value, "boolean");
    settings.*setting = value.get_bool();
}

/// Accepts 1 to `most`.
void read_hours(const json::value& value, const Place& place, int most, std::chrono::hours& hours) {
    const bool fits = value.is_int64() && value.get_int64() >= 1 && value.get_int64() <= most;
    if (!fits) return place.problem(fmt::format("expected a whole number of hours from 1 to {}", most));
    hours = std::chrono::hours(value.get_int64());
}

void read_verbose_log(const json::value& value, const Place& place, Settings& settings) {
    read_hours(value, place, 72, settings.verbose_log);
}

void read_guard(const json::value& value, const Place& place, Settings& settings) {
    const auto word = text_at(value, place);
    if (!word) return;
    settings.guard = parse_guard_mode(*word);
    if (!settings.guard) {
        place.problem_with(*word, "is nothing the guard can be; expected \"off\", \"watch\" or \"repair\"");
    }
}

void read_guard_hours(const json::value& value, const Place& place, Settings& settings) {
    read_hours(value, place, most_guard_hours, settings.guard_interval);
}

void read_support_upload(const json::value& value, const Place& place, Settings& settings) {
    const auto url = text_at(value, place);
    if (!url) return;
    if (!place.secret) return place.problem("expected it in protectedSettings, because it is a secret");
    if (const auto target = BlobTarget::parse(*url, "name"); !target) return place.problem(target.error().message);
    settings.support_upload = *url;
}

void read_azure(const json::value& value, const Place& place, Settings& settings) {
    const auto word = text_at(value, place);
    if (!word) return;
    if (*word != "off" && *word != "read" && *word != "repair") {
        return place.problem_with(*word, "is no way to ask Azure; expected \"off\", \"read\" or \"repair\"");
    }
    settings.azure.ask = *word != "off";
    settings.azure.repair = *word == "repair";
}

void read_prove(const json::value& value, const Place& place, Settings& settings) {
    const auto word = text_at(value, place);
    if (!word) return;
    const auto mode = parse_prove_mode(*word);
    if (!mode) return place.problem_with(*word, "is no proof; expected \"no\", \"snapshot\" or \"vault\"");
    settings.prove = *mode;
}

void read_prove_within(const json::value& value, const Place& place, Settings& settings) {
    read_hours(value, place, most_prove_hours, settings.prove_within);
}

void read_identity(const json::value& value, const Place& place, Settings& settings) {
    constexpr std::size_t length_of_id = 36;
    const auto id = text_at(value, place);
    if (!id) return;
    const auto in_id = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == '-';
    };
    if (id->size() != length_of_id || !std::ranges::all_of(*id, in_id)) {
        return place.problem_with(*id, "is no client id; expected one like 00000000-0000-0000-0000-000000000000");
    }
    settings.azure.client_id = *id;
}

void read_vault(const json::value& value, const Place& place, Settings& settings) {
    const auto id = text_at(value, place);
    if (!id) return;
    if (const auto problem = remediations::azure::problem_of_vault_id(*id); !problem.empty()) {
        return place.problem_with(*id, "is no vault's resource id; " + problem);
    }
    settings.azure.vault_id = *id;
}

struct Setting {
    std::string_view key;
    void (*read)(const json::value&, const Place&, Settings&);
};
constexpr Setting known_settings[] = {{"mode", read_mode},
                                      {"errorCode", read_error_code},
                                      {"only", read_only},
                                      {"exclude", read_exclude},
                                      {"maxDisruption", read_max_disruption},
                                      {"allowSecurityChanges", read_switch<&Settings::allow_security_changes>},
                                      {"repairRisks", read_switch<&Settings::repair_risks>},
                                      {"agentInstaller", read_agent_installer},
                                      {"failOnUnresolved", read_switch<&Settings::fail_on_unresolved>},
                                      {"rehearsal", read_switch<&Settings::rehearsal>},
                                      {"rehearsalIncludesSystem", read_switch<&Settings::rehearsal_includes_system>},
                                      {"verboseLogHours", read_verbose_log},
                                      {"guard", read_guard},
                                      {"guardHours", read_guard_hours},
                                      {"azure", read_azure},
                                      {"identityClientId", read_identity},
                                      {"vault", read_vault},
                                      {"prove", read_prove},
                                      {"proveWithinHours", read_prove_within},
                                      {"supportUpload", read_support_upload}};

constexpr auto keys = [] {
    std::array<std::string_view, std::size(known_settings)> all;
    std::ranges::transform(known_settings, all.begin(), &Setting::key);
    return all;
}();

void read_section(const json::object& section, const Place& place, Settings& settings) {
    for (const auto& [key, value] : section) {
        const auto* known = std::ranges::find(known_settings, std::string_view(key), &Setting::key);
        if (known != std::end(known_settings)) {
            known->read(value, place.at(std::string(key)), settings);
        } else if (place.secret) {
            place.problem(fmt::format("has an unknown setting; known are {}", fmt::join(keys, ", ")));
        } else {
            const auto name = visible(shortened(machine::valid_utf8(std::string_view(key)), quoted_characters));
            place.at(name).problem("unknown setting" +
                                   did_you_mean(name, std::vector<std::string>(std::begin(keys), std::end(keys))));
        }
    }
}

/// Returns the decrypted object of handlerSettings.protectedSettings; nullopt where there is none or it is not valid.
std::optional<json::object> decrypted(const json::object& handler_settings, const Environment& environment,
                                      const Decrypt& decrypt, const Place& place) {
    const auto* encrypted = handler_settings.if_contains(place.path);
    if (!encrypted || encrypted->is_null()) return std::nullopt;
    const auto text = text_at(*encrypted, place);
    if (!text || text->empty()) return std::nullopt;
    const auto* thumbprint = handler_settings.if_contains("protectedSettingsCertThumbprint");
    if (!thumbprint || !thumbprint->is_string()) {
        place.problem(
            "there are protected settings, but protectedSettingsCertThumbprint does not say for which "
            "certificate");
        return std::nullopt;
    }
    const auto der = remediations::decode_base64(*text);
    if (!der) {
        place.problem("not valid base64");
        return std::nullopt;
    }
    const auto plain = decrypt(*der, std::string(thumbprint->get_string()), environment.folder.parent_path());
    if (!plain) {
        place.problem(fmt::format("cannot be decrypted: {}", plain.error().message));
        return std::nullopt;
    }
    auto document = remediations::parse_json(*plain, "the decrypted text");
    if (!document) {
        place.problem(document.error().message);
        return std::nullopt;
    }
    if (!document->is_object()) {
        place.wrong_type(*document, "object");
        return std::nullopt;
    }
    return std::move(document->get_object());
}

constexpr auto public_key = "publicSettings";
constexpr auto protected_key = "protectedSettings";

/// Reads both sections of the settings (either may be nullptr) into `answer`, then checks the rules between settings.
void read_sections(const json::value* public_value, const json::object* protected_section, SettingsAnswer& answer) {
    auto& settings = answer.settings;
    const Place public_place{public_key, false, answer.problems};
    const Place protected_place{protected_key, true, answer.problems};
    json::object public_section;
    if (public_value && public_value->is_object()) {
        public_section = public_value->get_object();
        read_section(public_section, public_place, settings);
    } else if (public_value && !public_value->is_null()) {
        public_place.wrong_type(*public_value, "object");
    }
    if (protected_section) {
        read_section(*protected_section, protected_place, settings);
        for (const auto key : keys) {
            if (!public_section.contains(key) || !protected_section->contains(key)) continue;
            protected_place.at(std::string(key)).problem("also stands in publicSettings; expected it in one of them");
        }
    }
    for (const auto& id : settings.only) {
        if (std::ranges::find(settings.exclude, id) == settings.exclude.end()) continue;
        answer.problems.push_back(fmt::format("only and exclude: both name \"{}\"", id));
    }
    if (settings.rehearsal_includes_system && !settings.rehearsal) {
        answer.problems.emplace_back("rehearsalIncludesSystem: expected rehearsal to be true too");
    }
    if (settings.verbose_log.count() > 0 && settings.mode != RunMode::fix) {
        answer.problems.emplace_back("verboseLogHours: expected mode to be \"fix\", because it changes waagent.conf");
    }
    const bool has_guard = settings.guard.value_or(GuardMode::off) != GuardMode::off;
    if (settings.guard_interval != Settings{}.guard_interval && !has_guard) {
        answer.problems.emplace_back("guardHours: expected guard to be \"watch\" or \"repair\" too");
    }
    if (settings.azure.repair && settings.mode != RunMode::fix) {
        answer.problems.emplace_back("azure: with \"repair\", expected mode to be \"fix\"");
    }
    if (settings.prove != ProveMode::no && (settings.mode != RunMode::fix || !settings.azure.ask)) {
        answer.problems.emplace_back(
            "prove: expected mode to be \"fix\" and azure to be \"read\" or \"repair\", because it starts a backup");
    }
    if (settings.prove_within != Settings{}.prove_within && settings.prove == ProveMode::no) {
        answer.problems.emplace_back("proveWithinHours: expected prove to be \"snapshot\" or \"vault\" too");
    }
    if (!answer.problems.empty()) settings = {};
}

/// Returns handlerSettings of a settings file, or nullptr and a problem.
const json::object* handler_settings_of(const json::value& document, const Place& file) {
    json::error_code code;
    const auto* value = document.find_pointer("/runtimeSettings/0/handlerSettings", code);
    if (value && value->is_object()) return &value->get_object();
    file.problem(fmt::format("runtimeSettings[0].handlerSettings: expected object, found {}",
                             value ? remediations::type_name(*value) : "nothing"));
    return nullptr;
}

std::optional<std::uint64_t> number_in(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = error == std::errc() && end == text.data() + text.size() && !text.empty();
    return whole ? std::optional(number) : std::nullopt;
}

}  // namespace

std::span<const std::string_view> settings_keys() {
    return keys;
}

Result<std::uint64_t> current_sequence(const std::filesystem::path& config_folder,
                                       const std::optional<std::string>& variable) {
    if (variable && !variable->empty()) {
        if (const auto number = number_in(*variable)) return *number;
        return machine::Error::invalid(
            fmt::format("ConfigSequenceNumber: expected a number, found \"{}\"",
                        visible(shortened(machine::valid_utf8(*variable), quoted_characters))));
    }
    std::optional<std::pair<std::filesystem::file_time_type, std::uint64_t>> newest;
    std::error_code code;
    for (std::filesystem::directory_iterator entry(config_folder, code), end; !code && entry != end;
         entry.increment(code)) {
        if (entry->path().extension() != ".settings") continue;
        const auto number = number_in(to_text(entry->path().stem()));
        std::error_code no_time;
        const auto modified = entry->last_write_time(no_time);
        if (number && !no_time) newest = std::max(newest, std::optional(std::pair(modified, *number)));
    }
    if (code) {
        return machine::Error::failed(
            fmt::format("{}: cannot list the settings: {}", to_text(config_folder), code.message()), code.value());
    }
    return newest ? newest->second : 0;
}

SettingsAnswer read_settings(const Environment& environment, std::uint64_t number, const Decrypt& decrypt) {
    SettingsAnswer answer;
    const auto file = environment.config_folder / fmt::format("{}.settings", number);
    const Place place{to_text(file), false, answer.problems};
    const auto text = machine::local::read_file(file, settings_limit);
    if (!text) {
        if (text.error().kind != ErrorKind::not_found) answer.problems.push_back(text.error().message);
        return answer;
    }
    if (text->find_first_not_of(" \t\r\n") == std::string::npos) {
        if (number != 0) {
            place.problem("empty; the settings were removed before they could be applied. Send them again");
        }
        return answer;
    }
    const auto document = remediations::parse_json(*text, to_text(file));
    if (!document) {
        answer.problems.push_back(document.error().message);
        return answer;
    }
    const auto* handler_settings = handler_settings_of(*document, place);
    if (!handler_settings) return answer;
    const auto section = decrypted(*handler_settings, environment, decrypt, {protected_key, true, answer.problems});
    read_sections(handler_settings->if_contains(public_key), section ? &*section : nullptr, answer);
    return answer;
}

SettingsAnswer parse_settings(std::string_view text) {
    SettingsAnswer answer;
    constexpr auto name = "standard input";
    const Place place{name, true, answer.problems};
    // Nothing of the text may be quoted: a text that is not JSON may still be a secret.
    const auto document = remediations::parse_json(text, name);
    if (!document || !document->is_object()) {
        place.problem(document ? fmt::format("expected object, found {}", remediations::type_name(*document))
                               : R"(expected one JSON object, {"publicSettings": {...}, "protectedSettings": {...}})");
        return answer;
    }
    const auto& object = document->get_object();
    for (const auto& [key, value] : object) {
        if (key != public_key && key != protected_key) {
            place.problem(fmt::format("has an unknown key; known are {}, {}", public_key, protected_key));
        }
    }
    const auto* secret = object.if_contains(protected_key);
    if (secret && !secret->is_null() && !secret->is_object()) {
        Place{protected_key, true, answer.problems}.wrong_type(*secret, "object");
    }
    read_sections(object.if_contains(public_key), secret ? secret->if_object() : nullptr, answer);
    return answer;
}

}  // namespace handler
