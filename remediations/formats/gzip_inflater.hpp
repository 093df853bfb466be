#pragma once

#include <boost/beast/zlib/inflate_stream.hpp>
#include <boost/crc.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "remediations/machine/result.hpp"

namespace remediations {

/// Unpacks a gzip file (RFC 1952) that arrives in pieces, in constant memory. Several members one after the other are
/// one text; zeros behind the last are padding. The CRC-32 of each member is compared; its length is not, nor the
/// checksum of a header, which may have at most 256 KiB.
class GzipInflater {
public:
    using Consumer = std::function<void(std::string_view)>;

    /// At most `limit` bytes come out, after which feed() says ErrorKind::too_large. Messages begin with `path`.
    GzipInflater(std::string path, std::uint64_t limit, Consumer consumer);

    /// ErrorKind::invalid when it is no gzip file or is damaged, which a wrong CRC-32 tells at the end of its member:
    /// what was unpacked before has been consumed.
    machine::Result<void> feed(std::string_view bytes);

    /// ErrorKind::invalid when the file ends too early.
    machine::Result<void> finish();

private:
    enum class Part { header, data, trailer };

    /// Takes what it can of `bytes` from their front.
    machine::Result<void> read_header(std::string_view& bytes);
    machine::Result<void> inflate(std::string_view& bytes);
    machine::Error error(std::string_view expected) const;

    std::string path_;
    std::uint64_t limit_;
    Consumer consumer_;
    boost::beast::zlib::inflate_stream stream_;
    std::string output_;
    Part part_ = Part::header;
    std::string header_;           // while it is incomplete
    boost::crc_32_type checksum_;  ///< of what the member unpacked to so far
    std::string trailer_;
    std::uint64_t read_ = 0;
    std::uint64_t written_ = 0;
    bool first_member_ = true;
};

}  // namespace remediations
