#pragma once

namespace machine::local {

enum class Stream { out, err };

/// Returns true if the stream is a terminal, not a file or a pipe.
bool is_terminal(Stream stream);

/// Returns the columns of the terminal; 0 where the stream is not a terminal or does not tell.
unsigned terminal_width(Stream stream);

/// Returns true if the terminal shows ANSI colours (false for TERM=dumb). On Windows, first switches the console to
/// UTF-8 and to escape sequences.
bool prepare_terminal(Stream stream);

}  // namespace machine::local
