#pragma once

namespace machine::local {

enum class Stream { out, err };

/// Whether a person reads this stream at a terminal, not a file or a pipe.
bool is_terminal(Stream stream);

/// Columns of the terminal; 0 when the stream is none or does not say.
unsigned terminal_width(Stream stream);

/// Whether the terminal shows ANSI colours (false for TERM=dumb). On Windows switches the console
/// to UTF-8 and to escape sequences first.
bool prepare_terminal(Stream stream);

}  // namespace machine::local
