$ users extra other 2>/dev/null
? 1
