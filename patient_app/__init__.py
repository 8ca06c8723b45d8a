"""The patient's device: the person's own assistant, record and control over what leaves.

Each person on the device has a vault of their own; everything about them is in it, encrypted. A
question runs the consult path here first. What the device cannot answer it offers to refer: the
question is de-identified, shown, and leaves only on the person's word or under a standing consent,
sealed to the tier that is to answer. A referral waits in the vault's outbox until the clinic has
it, and the answer is opened and re-identified here.

    caretier device --data var                        # the patient client on port 8200
    caretier ask "What are the signs of asthma?"      # one question, without a browser
"""
