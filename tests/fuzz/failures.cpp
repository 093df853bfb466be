// Logs of all kinds, fed in two pieces: what FailureReader makes of them is bounded and quotes what is there. The first
// byte says which log, and on which platform.
#include "remediations/knowledge/logs/failure_reader.hpp"

#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace remediations;
    if (size == 0) return 0;
    constexpr Log logs[] = {Log::agent, Log::extension, Log::extension_shell, Log::commands, Log::kernel};
    const auto log = logs[data[0] % std::size(logs)];
    const auto platform = data[0] >= 128 ? machine::Platform::windows : machine::Platform::linux;
    auto text = fuzz::text_of(data, size);
    text.remove_prefix(1);
    (void)tells_failure(text);
    fuzz::require(shape_of(shape_of(text)).size() <= shape_of(text).size());

    const PatternAutomaton automaton(FailureReader::markers(log));
    FailureReader reader(platform);
    reader.begin_file(log, "/x.log");
    std::uint64_t lines = 0;
    LineScanner scanner(automaton, {}, [&](const ScannedLine& line) {
        fuzz::require(line.number > lines);  // each once, in their order
        lines = line.number;
        return reader.read(log, line, line.number);
    });
    scanner.feed(text.substr(0, text.size() / 3));
    scanner.feed(text.substr(text.size() / 3));
    scanner.finish();
    BackupAttempt attempt;
    attempt.begin_position = 1;
    attempt.end_position = scanner.lines();
    attempt.succeeded = data[0] % 2 == 0;
    const auto failures = reader.finish({attempt});
    fuzz::require(failures.size() <= FailureCollector::most_shapes_in_all);
    for (const auto& failure : failures) {
        fuzz::require(failure.count > 0 && failure.position <= scanner.lines() && !failure.quote.seen.empty());
        fuzz::require(failure.quote.seen.size() <= LogLine::longest_text + 64);
        fuzz::require(!failure.is_noise || !failure.shape.empty());
    }
    return 0;
}
