#pragma once

#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/temporary_folder.hpp"

namespace tests {

inline boost::json::value json_file(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return file.is_open() ? boost::json::parse(text.str()) : boost::json::object();
}

/// The folder of a capture: as it is named, "captures/linux/healthy", or in one of the layers' folders beside it, so
/// that "captures/linux/agent-stopped" is captures/linux/guest-agent/agent-stopped.
inline std::filesystem::path found_capture(const std::filesystem::path& named) {
    if (std::filesystem::exists(named)) return named;
    for (const auto& layer : std::filesystem::directory_iterator(named.parent_path())) {
        if (auto found = layer.path() / named.filename(); std::filesystem::exists(found)) return found;
    }
    throw std::runtime_error("there is no capture " + named.string());
}

inline boost::json::object expected_of(const std::filesystem::path& capture) {
    return json_file(found_capture(capture) / "expected.json").as_object();
}

/// RFC 7386.
inline void merge(boost::json::value& target, const boost::json::value& patch) {
    const auto* changes = patch.if_object();
    if (!changes) {
        target = patch;
        return;
    }
    if (!target.is_object()) target = boost::json::object();
    for (const auto& [key, value] : *changes) {
        if (value.is_null()) {
            target.get_object().erase(key);
        } else {
            merge(target.get_object()[key], value);
        }
    }
}

/// Writes the whole capture of a case, and those it is based on, into `target`.
inline void lay_out(const std::filesystem::path& named, const std::filesystem::path& target) {
    const auto capture = found_capture(named);
    std::filesystem::create_directories(target);
    const auto expected = expected_of(capture);
    const auto* base = expected.if_contains("base");
    const bool is_healthy = capture.filename() == "healthy";
    if (base ? !base->is_null() : !is_healthy) {
        auto platform = capture.parent_path();
        while (platform.filename() != "linux" && platform.filename() != "windows") platform = platform.parent_path();
        lay_out(platform / (base ? base->as_string().c_str() : "healthy"), target);
    }
    if (const auto* removed = expected.if_contains("removed")) {
        for (const auto& path : removed->as_array()) {
            auto place = std::string(path.as_string());
            std::erase(place, ':');
            std::ranges::replace(place, '\\', '/');
            const auto file = target / "files" / std::filesystem::path(place).relative_path();
            if (std::filesystem::remove_all(file) == 0) throw std::runtime_error("the base has no " + file.string());
        }
    }
    const auto everything =
        std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing;
    if (std::filesystem::exists(capture / "files")) {
        std::filesystem::copy(capture / "files", target / "files", everything);
    }
    auto facts = json_file(target / "facts.json");
    merge(facts, json_file(capture / "facts.json"));
    std::ofstream(target / "facts.json") << facts;
}

/// The folders of all cases below `folder`.
inline std::vector<std::filesystem::path> captures_in(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> captures;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (entry.path().filename() == "expected.json") captures.push_back(entry.path().parent_path());
    }
    std::ranges::sort(captures);
    return captures;
}

/// Of a case below `folder`, as the name of a test: "linux_agent_stopped".
inline std::string test_name_of(const std::filesystem::path& capture, const std::filesystem::path& folder) {
    auto name = std::filesystem::relative(capture, folder).begin()->string() + "_" + capture.filename().string();
    std::ranges::replace_if(
        name, [](char c) { return c == '-' || c == '.'; }, '_');
    return name;
}

/// A case of tests/captures as the whole capture that it stands for.
class CaptureFolder {
public:
    explicit CaptureFolder(const std::filesystem::path& capture) { lay_out(capture, folder_.path()); }

    const std::filesystem::path& path() const { return folder_.path(); }

private:
    TemporaryFolder folder_;
};

}  // namespace tests
