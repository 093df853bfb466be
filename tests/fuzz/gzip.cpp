// A rotated log: fed in two pieces, it gives the same as in one.
#include "remediations/formats/gzip_inflater.hpp"
#include "tests/fuzz/input.hpp"

namespace {

struct Unpacked {
    std::string text;
    bool whole = false;
};

Unpacked unpack(std::string_view bytes, std::size_t first_piece) {
    constexpr std::uint64_t limit = 1 << 16;
    Unpacked unpacked;
    remediations::GzipInflater inflater("x.gz", limit, [&](std::string_view piece) { unpacked.text += piece; });
    bool fine = true;
    for (const auto piece : {bytes.substr(0, first_piece), bytes.substr(first_piece)}) {
        fine = fine && inflater.feed(piece).has_value();
    }
    unpacked.whole = fine && inflater.finish().has_value();
    fuzz::require(unpacked.text.size() <= limit);
    return unpacked;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = fuzz::text_of(data, size);
    const auto at_once = unpack(bytes, size);
    const auto in_pieces = unpack(bytes, size / 2);
    fuzz::require(at_once.whole == in_pieces.whole);
    fuzz::require(!at_once.whole || at_once.text == in_pieces.text);
    return 0;
}
