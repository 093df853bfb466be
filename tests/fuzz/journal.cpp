// A journal after a crash or a hand that edited it, and every slot that it names.
#include "remediations/changes/journal.hpp"

#include "handler/cli/history.hpp"
#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzz::Folder state;
    static const std::string run = "20261121T014907Z-0001";
    static const fuzz::File file(state.path() / "runs" / run / "journal.jsonl");
    file.fill(fuzz::text_of(data, size));
    using remediations::Damage;
    for (const auto damage : {Damage::refuse, Damage::skip}) {
        const auto journal = remediations::Journal::open(state.path(), run, damage);
        if (!journal) {
            fuzz::require(journal.error().message.find("journal.jsonl:") != std::string::npos);
            continue;
        }
        fuzz::require(damage == Damage::skip || journal->damage().empty());
        unsigned last = 0;
        for (const auto& step : journal->steps()) {
            fuzz::require(step.number > last && step.slot.empty() != step.action.empty());
            last = step.number;
            if (!step.slot.empty()) (void)remediations::make_slot(step.slot);
            for (const auto& kept : step.kept) (void)remediations::make_slot(kept.slot);
        }
        fuzz::require(journal->first_uncommitted_step() <= last + 1);
        (void)handler::undone(*journal);
    }
    return 0;
}
