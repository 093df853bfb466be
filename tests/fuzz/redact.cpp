// What captures and reports leave out of any text of the machine.
#include "remediations/machine/recorded/redact.hpp"

#include <algorithm>
#include <boost/algorithm/string/split.hpp>
#include <utility>

#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using machine::recorded::redact;
    const auto text = fuzz::text_of(data, size);
    // "REDACTED" may make the text around it look like a secret: then a further pass hides that, too, and so on,
    // but not for ever.
    auto redacted = redact(text);
    const auto most_passes = text.size() + 4;
    std::size_t passes = 0;
    for (auto next = redact(redacted); next != redacted && passes < most_passes; ++passes) {
        redacted = std::exchange(next, redact(next));
    }
    fuzz::require(passes < most_passes);
    // Wherever it stands, a secret behind its marker is gone.
    const auto planted = redact(std::string(text) + " sig=hunter2");
    fuzz::require(planted.find("hunter2") == std::string::npos || text.find("hunter2") != text.npos);
    // The same in the words of a program.
    std::vector<std::string> words;
    boost::split(words, text, [](char c) { return c == '\n' || c == '\0'; });
    words.resize(std::min(words.size(), std::size_t{4}));  // each is judged behind the programs before it
    words.insert(words.end(), {"--password", "hunter2"});
    for (const auto& word : machine::recorded::redact_words(words)) {
        fuzz::require(word.find("hunter2") == word.npos || text.find("hunter2") != text.npos);
    }
    return 0;
}
