# hint: how many you found
value = 20
