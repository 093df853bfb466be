// A whole log, fed in two pieces: each pattern is found in the lines that contain it and in no other.
#include <set>

#include "remediations/knowledge/logs/attempt_reader.hpp"
#include "remediations/knowledge/logs/line_scanner.hpp"
#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace remediations;
    static const auto markers = AttemptReader::markers(machine::Platform::linux);
    static const PatternAutomaton automaton(markers);
    const auto text = fuzz::text_of(data, size);
    std::set<std::pair<std::uint64_t, std::uint32_t>> found;
    AttemptReader reader(machine::Platform::linux);
    reader.begin_file("/var/log/extension.log");
    LineScanner scanner(automaton, {}, [&](const ScannedLine& line) {
        for (const auto& hit : line.found) {
            fuzz::require(found.insert({line.number, hit.pattern}).second);
            (void)line.to_log_line("x.log", hit, markers[hit.pattern].size());
        }
        reader.read(line, line.found, line.number);
        return false;
    });
    scanner.feed(text.substr(0, size / 3));
    scanner.feed(text.substr(size / 3));
    scanner.finish();
    (void)std::move(reader).finish();

    std::set<std::pair<std::uint64_t, std::uint32_t>> expected;
    auto rest = text;
    for (std::uint64_t number = 1; !rest.empty(); ++number) {
        const auto line = fuzz::take_line(rest);
        for (std::uint32_t pattern = 0; pattern < markers.size(); ++pattern) {
            if (!markers[pattern].empty() && line.find(markers[pattern]) != line.npos) {
                expected.insert({number, pattern});
            }
        }
    }
    fuzz::require(found == expected);
    return 0;
}
