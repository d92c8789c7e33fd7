// SPDX-License-Identifier: Apache-2.0
#include "dissect.hpp"

#include <iostream>

#include "ikealg/wire/dissect.hpp"
#include "recording.hpp"

namespace replay {

void dissect(const options& o) {
    std::cout << ikealg::wire::dissect_columns << '\n';
    for (const std::string& path : o.captures) {
        const std::string warning = read_capture(path, [](const ikealg::io::pcap_frame& frame) {
            const ikealg::bytes network = frame.network();
            if (const auto row = ikealg::wire::dissect(network, network.size() + frame.missing)) {
                std::cout << ikealg::wire::to_tsv(frame.number, *row) << '\n';
            }
        });
        if (!warning.empty()) {
            std::cerr << "ikealg-replay: " << warning << '\n';
        }
    }
}

}  // namespace replay
