"""Points per action: file > rules; review by outcomes; learn > fit."""
