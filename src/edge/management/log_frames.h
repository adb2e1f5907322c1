// Takes a container's log stream apart: frames of an 8-byte head and text.
//
// Wire: docs/wire/management-api.md#log-stream. A container with a terminal has no frames: such a stream is recognised by
// its first bytes and passed on as standard output. Sans-I/O; one thread. Memory is bounded by the chunks that are fed:
// text of an unfinished frame is passed on as it comes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace selvage::edge::management {

struct LogPart {
    bool is_error = false;       // from standard error
    bool begins_frame = true;    // false: continues the frame of the part before
    std::string text;
};

class LogFrames {
public:
    // Frames may begin and end anywhere in the chunks.
    std::vector<LogPart> feed(std::string_view bytes);
    // At the end of the stream: what was kept back because it could have been a frame's head.
    std::vector<LogPart> finish();

private:
    enum class Form { undecided, framed, raw };
    Form form_ = Form::undecided;
    std::string head_;
    bool is_error_ = false;
    bool begins_frame_ = true;
    std::uint32_t text_left_ = 0;
};

}  // namespace selvage::edge::management
