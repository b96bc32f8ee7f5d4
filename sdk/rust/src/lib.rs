//! What a plugin author uses: traits and export macros for the four worlds of Slipway
