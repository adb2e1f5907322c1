// hubctl: registers devices, deploys modules, looks at twins and follows telemetry of a hub.
//
// Exit codes: 0 done, 1 failed (the reason and the remedy on standard error), 2 wrong usage.
#pragma once

namespace selvage::cli::hubctl {

int run(int argc, char** argv);

}  // namespace selvage::cli::hubctl
