"""The clinic's edge node: answers what its knowledge covers, relays and keeps the rest.

Devices enrol here and refer their questions. A referral sealed to the clinic is opened, run through
the consult path and answered; what the clinic cannot answer goes on to the hospital, sealed anew,
when the patient's receipt names the hospital as a reader. A referral sealed to the hospital is
carried unread. Whatever comes in is on the disk before the device hears "received", so a killed
process or a dead link loses nothing.

    caretier clinic --data var                  # serve
    caretier clinic enrol SECRET.PIN            # enrol at the hospital
    caretier clinic code                        # a one-time code for a new device
    caretier clinic rotate                      # a new key to seal to, beside the running clinic
"""
