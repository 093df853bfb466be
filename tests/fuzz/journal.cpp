// A journal after a crash or a hand that edited it, and every slot that it names.
#include "remediations/changes/journal.hpp"

#include "handler/cli/history.hpp"
#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzz::Folder state;
    static const std::string run = "20261121T014907Z-0001";
    static const fuzz::File file(state.path() / "runs" / run / "journal.jsonl");
    file.fill(fuzz::text_of(data, size));
    const auto journal = remediations::Journal::open(state.path(), run);
    if (!journal) {
        fuzz::require(journal.error().message.find("journal.jsonl:") != std::string::npos);
        return 0;
    }
    for (const auto& step : journal->steps()) {
        fuzz::require(step.slot.empty() != step.action.empty());
        if (!step.slot.empty()) (void)remediations::make_slot(step.slot);
    }
    (void)handler::undone(*journal);
    return 0;
}
