# tests/lint/text.awk - for every text file: no blanks at the end of a line, no carriage return

/[ \t]$/ { printf "%s:%d: text: blanks at the end of the line\n", FILENAME, FNR }
/\r$/ { printf "%s:%d: text: carriage return\n", FILENAME, FNR }
