// waagent.conf: a line with a key, a line with the value to give it, and the file.
#include "remediations/knowledge/configuration/agent_configuration.hpp"

#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using remediations::AgentConfiguration;
    auto text = fuzz::text_of(data, size);
    const std::string key(fuzz::take_line(text));
    const bool wish = fuzz::take_line(text).starts_with('y');
    const auto conf = AgentConfiguration::parse("/etc/waagent.conf", std::string(text));
    const auto lines = conf.lines_of(key);
    (void)conf.is_on(key, wish);
    (void)conf.text_of(key, "otherwise");
    // What an edit writes is what is read back, in as many lines as there were.
    const auto edited = AgentConfiguration::parse("/etc/waagent.conf", conf.with_value(key, wish ? "y" : "n"));
    const auto now = edited.lines_of(key);
    fuzz::require(now.size() == lines.size());
    for (const auto& line : now) fuzz::require(line.value == (wish ? "y" : "n"));
    fuzz::require(now.empty() || edited.is_on(key, !wish) == wish);
    return 0;
}
